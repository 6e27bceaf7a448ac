import { boundIncarnation, memberIds } from './membership.ts';
import { majority } from './quorum.ts';
import type { Incarnation, Member, Membership, NodeId } from './types.ts';

/** One wish of an operator. Several at once are one change: all of them take effect, or none. */
export type MemberChange =
  /** A node that receives the log from now on, and counts for nothing. `address`: host:port, where members reach it. */
  | { readonly kind: 'addLearner'; readonly id: NodeId; readonly address: string }
  /** The learner becomes a voter, bound to the disk it has now. */
  | { readonly kind: 'promote'; readonly id: NodeId }
  | { readonly kind: 'demote'; readonly id: NodeId }
  /** Voter or learner. */
  | { readonly kind: 'remove'; readonly id: NodeId };

/**
 * The membership after a change, or in words why there is none. More than one voter at once goes through a joint membership, in
 * which the voters before it are needed too (Raft thesis 4.3). Pure: `diskOf` says which disk a learner has now.
 */
export function changed(
  membership: Membership,
  changes: readonly MemberChange[],
  diskOf: (id: NodeId) => Incarnation | null,
): Membership | string {
  if (membership.unmet > 0) return `${membership.unmet} members of the list were never met: start them first`;
  const ids = changes.map(({ id }) => id);
  if (ids.length === 0) return 'nothing is to be changed';
  if (new Set(ids).size < ids.length) return 'a member is named twice';
  let next = membership;
  for (const change of changes) {
    const result = applied(next, change, diskOf);
    if (typeof result === 'string') return result;
    next = result;
  }
  if (next.voters.length === 0) return 'no voter would be left';
  const { voters, unmet } = membership;
  return withoutStrangers(differing(voters, next.voters) > 1 ? { ...next, outgoing: { voters, unmet } } : next);
}

/** The second half of a change by way of a joint membership: those who were on their way out are. */
export function left(membership: Membership): Membership {
  return withoutStrangers({ ...membership, outgoing: null });
}

function applied(
  membership: Membership,
  change: MemberChange,
  diskOf: (id: NodeId) => Incarnation | null,
): Membership | string {
  const { id } = change;
  const { voters, learners, addresses } = membership;
  const isVoter = boundIncarnation(membership, id) !== null;
  const isLearner = learners.includes(id);
  const withoutVoter = voters.filter((voter) => voter.id !== id);
  const withoutLearner = learners.filter((learner) => learner !== id);
  switch (change.kind) {
    case 'addLearner':
      if (isVoter || isLearner) return `${id} is a ${isVoter ? 'voter' : 'learner'} already`;
      return { ...membership, learners: [...learners, id], addresses: { ...addresses, [id]: change.address } };
    case 'promote': {
      const incarnation = diskOf(id);
      if (!isLearner) return isVoter ? `${id} is a voter already` : `${id} is not a member: add it first`;
      if (incarnation === null) return `${id} was not met yet`;
      return { ...membership, learners: withoutLearner, voters: [...voters, { id, incarnation }] };
    }
    case 'demote':
      if (!isVoter) return isLearner ? `${id} is a learner already` : `${id} is not a member`;
      return { ...membership, voters: withoutVoter, learners: [...learners, id] };
    case 'remove':
      if (!isVoter && !isLearner) return `${id} is not a member`;
      return { ...membership, voters: withoutVoter, learners: withoutLearner };
  }
}

/** How many voters are in one of the sets alone. */
function differing(before: readonly Member[], after: readonly Member[]): number {
  const has = (set: readonly Member[], { id }: Member): boolean => set.some((voter) => voter.id === id);
  return before.filter((voter) => !has(after, voter)).length + after.filter((voter) => !has(before, voter)).length;
}

function withoutStrangers(membership: Membership): Membership {
  const ids = memberIds(membership);
  const addresses = Object.entries(membership.addresses).filter(([id]) => ids.includes(id));
  return { ...membership, addresses: Object.fromEntries(addresses) };
}

/** Whether enough of the voters are alive to go on deciding once the membership counts. */
export function hasLivingMajority({ voters, unmet }: Membership, isAlive: (id: NodeId) => boolean): boolean {
  return voters.filter(({ id }) => isAlive(id)).length >= majority(voters.length + unmet);
}
