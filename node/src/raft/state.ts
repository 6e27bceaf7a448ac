import type { RaftOptions } from './core.ts';
import type { EffectsBuilder } from './effects.ts';
import type { Log } from './log.ts';
import type { MembershipHistory } from './membership-history.ts';
import type { Message } from './messages.ts';
import type { Progress } from './progress.ts';
import { isBoundVoter, names } from './membership.ts';
import { type Electorate, electorateOf, majority, sizeOf, votersOf } from './quorum.ts';
import type { Entry, Incarnation, LogPosition, Member, NodeId, Role, SnapshotMetadata, VoterSet } from './types.ts';

/** Everything the core knows. One value, changed only by the functions of this folder, one step at a time. */
export interface RaftState {
  /** Replaced when the timings change. */
  options: RaftOptions;
  readonly effects: EffectsBuilder;
  readonly log: Log;
  readonly memberships: MembershipHistory;
  /** The newest durable one. */
  snapshot: SnapshotMetadata | null;
  /** Peers whose handshake was completed, with the incarnation of the latest one. */
  readonly met: Map<NodeId, { readonly member: Member; clusterId: string | null; up: boolean }>;
  /** Peers whose latest handshake was refused: nothing is sent to them, for it would reach the wrong disk, nor heard of them. */
  readonly shunned: Set<NodeId>;
  /** Incarnations whose messages were refused, so that each is named once. */
  readonly refused: Map<NodeId, Incarnation>;
  /** Who is preferred as leader, and how steady it is (priority.ts). */
  readonly standings: Map<NodeId, Standing>;
  nowMs: number;
  term: number;
  votedFor: NodeId | null;
  role: Role;
  leaderId: NodeId | null;
  /** When the current leader was last heard; null without a leader. */
  leaderContactMs: number | null;
  electionDeadlineMs: number;
  /** One late timeout was forgiven since the leader was last heard (raft.md H5). */
  stallForgiven: boolean;
  /** Given as a voter: no other leader before then (lease.ts). */
  leasePromise: { readonly to: NodeId; readonly untilMs: number } | null;
  /** After a start, for the sake of what was promised before it. */
  silentUntilMs: number;
  election: Election | null;
  fastElection: FastElection | null;
  leadership: Leadership | null;
  commitIndex: number;
  /** The highest commit index that a leader has told: beyond the end of this log while it catches up. */
  leaderCommitIndex: number;
  /** Somebody of a founded cluster was heard while this log was empty: wait for that log, never found another (ADR 0011). */
  foundedElsewhere: boolean;
  /** The log named this node as a member: from then on a membership without it says that it was removed. */
  wasMember: boolean;
  /** Its removal was told. */
  isRemoved: boolean;
}

/** `reason` says why not, for the log line of a candidate that gives up. */
export interface Answer {
  readonly granted: boolean;
  readonly reason: string;
}

/** One campaign. Answers are kept by voter, so that a repeated one counts once. */
export interface Election {
  readonly preVote: boolean;
  readonly term: number;
  readonly answers: Map<NodeId, Answer>;
  /** The batch that holds the candidate's own vote; null for a pre-vote, which promises nothing. */
  readonly ownVoteTicket: number | null;
}

/** Attempts to replace a leader whose process has ended, before the election timeout would. */
export interface FastElection {
  readonly endedId: NodeId;
  attemptsLeft: number;
  dueMs: number;
}

/** What is known of one peer for the sake of preference. */
export interface Standing {
  readonly priority: number;
  isUp: boolean;
  upSinceMs: number;
  /** How often it was lost, or failed to take over, since it was last steady for the longest wait. */
  doublings: number;
}

export interface Transfer {
  readonly to: NodeId;
  readonly deadlineMs: number;
  /** The target was told to campaign. */
  isAsked: boolean;
}

/** Reads that wait for a quorum to confirm that this node leads (read-index.ts). */
export interface Reads {
  /** Arrived, with no round begun since. */
  waiting: number[];
  /** Waits for a quorum to answer `round`; the reads see at least `index`. */
  underWay: { readonly round: number; readonly index: number; readonly ids: readonly number[] } | null;
}

/** What only a leader has. */
export interface Leadership {
  readonly sinceMs: number;
  readonly progress: Map<NodeId, Progress>;
  /** Where this term began in the log: nothing older is committed by counting. */
  readonly firstIndex: number;
  uncommittedBytes: number;
  heartbeatDeadlineMs: number;
  /** When those who have not heard of the last commit with an append are told in one of their own (replication.ts). */
  commitNewsDueMs: number;
  round: number;
  /** When each of the latest rounds left, and for how long a lease it asked. */
  readonly leaseRounds: { readonly round: number; readonly sentMs: number; readonly leaseMs: number }[];
  isLeaseOver: boolean;
  readonly reads: Reads;
  /** While it lasts nothing is proposed: the target would fall behind again. */
  transfer: Transfer | null;
  /** It leads without being a voter any more, and has tried to hand over. */
  isLeaving: boolean;
}

/** Whose votes win and whose acknowledgements commit: who the log binds, in one set or the two of a joint membership, or, before the founding, who was met by handshake. */
export function electorate(state: RaftState): Electorate {
  const membership = state.memberships.current;
  if (membership === null) return [metMembers(state)];
  return electorateOf(membership);
}

/** The members met so far, oneself included; places of the list nobody was met for stay unmet. */
export function metMembers(state: RaftState): VoterSet {
  const { self, listedSize } = state.options;
  const voters = [self, ...[...state.met.values()].map(({ member }) => member)];
  return { voters, unmet: listedSize - voters.length };
}

/** The other members whose votes count. */
export function countedPeers(state: RaftState): NodeId[] {
  const ids = votersOf(electorate(state)).map(({ id }) => id);
  return ids.filter((id) => id !== state.options.self.id);
}

/**
 * When the oldest write that is not on disk yet will have taken too long: such a leader cannot commit, and its heartbeats would
 * keep those from leading who can (raft.md L10; hashicorp/raft#503; ADR 0041). Infinity when nothing is being written.
 */
export function diskDeadlineMs(state: RaftState): number {
  return (state.log.writingSinceMs ?? Infinity) + state.options.timings.electionTimeoutMaxMs;
}

/**
 * Whether this node may campaign: a bound voter, or a listed one of a cluster nobody has founded; and its disk answers. One whose
 * own removal is not certain too: those who stay may lack that entry, and then need whoever has it to win (Raft thesis 4.2.2).
 */
export function mayCampaign(state: RaftState): boolean {
  if (state.nowMs >= diskDeadlineMs(state)) return false;
  const { current: membership, index } = state.memberships;
  if (membership !== null) {
    const before = isMembershipCommitted(state) ? null : state.memberships.at(index - 1);
    const counted = [membership, ...(before === null ? [] : [before.membership])];
    return counted.some((one) => isBoundVoter(one, state.options.self));
  }
  const met = metMembers(state);
  return !state.foundedElsewhere && met.voters.length >= majority(sizeOf(met));
}

/** Committed by a leader, as far as this node knows; a membership that is not may still be replaced. */
export function isMembershipCommitted(state: RaftState): boolean {
  return state.memberships.index > 0 && state.memberships.index <= state.commitIndex;
}

type Unaddressed<M> = M extends Message ? Omit<M, 'from' | 'to' | 'term'> : never;

/** Sends in the current term, or in `term` (a pre-vote request names the term it would campaign for). */
export function send(state: RaftState, to: NodeId, body: Unaddressed<Message>, term = state.term): void {
  if (state.shunned.has(to)) return;
  state.effects.send({ ...body, from: state.options.self.id, to, term });
}

export function saveHardState(state: RaftState): void {
  const { term, votedFor, foundedElsewhere } = state;
  state.effects.saveHardState({ term, votedFor, foundedElsewhere });
}

/** A cluster whose founding cannot be undone was heard of. Of a node that has a log, it is the one it belongs to. */
export function learnOfFounding(state: RaftState): void {
  if (state.foundedElsewhere || state.log.lastIndex > 0) return;
  state.foundedElsewhere = true;
  saveHardState(state);
}

/** Appends to the log, in memory at once and to disk with this step's batch. */
export function append(state: RaftState, entries: readonly Entry[]): void {
  state.log.append(entries);
  state.effects.saveEntries(entries);
  if (state.memberships.append(entries)) announceMembership(state);
}

export function truncateFrom(state: RaftState, index: number): void {
  state.log.truncateFrom(index);
  state.effects.truncateFrom(index);
  state.effects.emit({ kind: 'truncated', fromIndex: index, term: state.term });
  if (!state.memberships.truncateFrom(index)) return;
  // An admission that was undone never was one. (What is certain stays in the history until the removal is told.)
  state.wasMember = state.memberships.some((membership) => names(membership, state.options.self));
  announceMembership(state);
}

/** The log begins behind `base` from this step's batch on. */
export function saveBase(state: RaftState, base: LogPosition): void {
  state.effects.saveBase({ index: base.index, term: base.term });
  saveHardState(state);
}

export function announceMembership(state: RaftState): void {
  const { current, index } = state.memberships;
  if (current === null) return;
  if (names(current, state.options.self)) state.wasMember = true;
  state.effects.emit({ kind: 'membershipChanged', membership: current, index });
}

/** Moves the commit index forward and hands out what became committed, each entry once. */
export function commitTo(state: RaftState, index: number): void {
  if (index <= state.commitIndex) return;
  state.effects.commit(state.log.between(state.commitIndex, index));
  state.commitIndex = index;
}
