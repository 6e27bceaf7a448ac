import type { Member, Membership, NodeId, VoterSet } from './types.ts';

/** Those whose agreement decides: each set by a majority of its own (Raft thesis 4.3: joint consensus needs two). */
export type Electorate = readonly VoterSet[];

/** Of a joint membership both sets of voters. */
export function electorateOf(membership: Membership): Electorate {
  return membership.outgoing === null ? [membership] : [membership, membership.outgoing];
}

/** How many of `size` members are a majority. */
export function majority(size: number): number {
  return Math.floor(size / 2) + 1;
}

/** Listed members, met or not: an unmet one counts in the size, never in the tally. */
export function sizeOf({ voters, unmet }: VoterSet): number {
  return voters.length + unmet;
}

/** Whether a majority of every set is among those for whom `isIn` holds. */
export function hasMajority(electorate: Electorate, isIn: (member: Member) => boolean): boolean {
  return electorate.every((set) => set.voters.filter(isIn).length >= majority(sizeOf(set)));
}

/** How many votes win, where one set decides; of two, the larger majority is the one that is told. */
export function neededVotes(electorate: Electorate): number {
  return Math.max(...electorate.map((set) => majority(sizeOf(set))));
}

export function votersOf(electorate: Electorate): Member[] {
  const byId = new Map(electorate.flatMap(({ voters }) => voters.map((voter) => [voter.id, voter])));
  return [...byId.values()];
}

/**
 * What the answers so far come to: `won` when a majority of every set said yes, `lost` when one of them cannot say it any
 * more. `answerOf` is undefined for who has not answered.
 */
export function countVotes(
  electorate: Electorate,
  answerOf: (id: NodeId) => boolean | undefined,
): 'won' | 'lost' | 'open' {
  const results = electorate.map((set) => {
    const answers = set.voters.map(({ id }) => answerOf(id));
    const needed = majority(sizeOf(set));
    if (answers.filter((answer) => answer === true).length >= needed) return 'won';
    return sizeOf(set) - answers.filter((answer) => answer === false).length < needed ? 'lost' : 'open';
  });
  if (results.every((result) => result === 'won')) return 'won';
  return results.includes('lost') ? 'lost' : 'open';
}

/**
 * The largest value that a quorum has reached (raft.md R15): of match indexes, what it holds; of instants, since when it is
 * silent. Null where too few members are there to count; `valueOf` is undefined for those.
 */
export function reachedBy(electorate: Electorate, valueOf: (id: NodeId) => number | undefined): number | null {
  let reached = Infinity;
  for (const set of electorate) {
    const values = set.voters.map(({ id }) => valueOf(id)).filter((value) => value !== undefined);
    const needed = majority(sizeOf(set));
    if (values.length < needed) return null;
    reached = Math.min(reached, values.sort((a, b) => b - a)[needed - 1]!);
  }
  return reached;
}
