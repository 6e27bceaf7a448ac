import type { MemberChange } from './change.ts';
import { changed, hasLivingMajority, left } from './change.ts';
import type { ChangeOutcome } from './core.ts';
import { adopt } from './leading.ts';
import { bind, boundIncarnation, isBoundVoter, names } from './membership.ts';
import { becomeFollower } from './roles.ts';
import type { Leadership, RaftState } from './state.ts';
import { isMembershipCommitted } from './state.ts';
import { startTransfer } from './transfer.ts';
import type { Membership, NodeId } from './types.ts';

/** Takes a wish, or says why not. Judged by the newest membership of the log, whatever is applied anywhere (raft.md M8). */
export function changeMembers(state: RaftState, changes: readonly MemberChange[]): void {
  const outcome = begun(state, changes);
  state.effects.answerChange(outcome);
}

function begun(state: RaftState, changes: readonly MemberChange[]): ChangeOutcome {
  const { leadership, leaderId, term } = state;
  const membership = state.memberships.current;
  type Code = (ChangeOutcome & { readonly accepted: false })['code'];
  const refused = (code: Code, reason: string): ChangeOutcome => ({ accepted: false, code, reason, leaderId });
  if (leadership === null || membership === null) return refused('notLeader', 'this node does not lead');
  const waitsFor = hindrance(state, leadership, membership);
  if (waitsFor !== null) return refused('inProgress', waitsFor);
  // Also one that was not met yet: it may come.
  const behind = changes.find(({ kind, id }) => {
    return kind === 'promote' && membership.learners.includes(id) && !isCaughtUp(state, leadership, id);
  });
  if (behind !== undefined) return refused('notCaughtUp', `${behind.id} lacks more of the log than one append carries`);
  const next = changed(membership, changes, (id) => diskOf(state, id));
  if (typeof next === 'string') return refused('impossible', next);
  // Also of the voters to be: the change itself may be the last thing they could ever commit (raft.md M6, M7, M12).
  if (!hasLivingMajority(next, (id) => isAlive(state, leadership, id))) {
    return refused('quorumAtRisk', 'too few of the voters it would leave are alive to go on');
  }
  adopt(state, leadership, next);
  return { accepted: true, term, index: state.log.lastIndex };
}

/**
 * Why no membership may be appended now; null: one may. One at a time, and none before this leader has committed in its term: two
 * leaders could otherwise count disjoint quorums (Ongaro 2015; raft.md M1, M10).
 */
function hindrance(state: RaftState, leadership: Leadership, membership: Membership): string | null {
  if (state.commitIndex < leadership.firstIndex) return 'this leader has committed nothing in its term yet';
  if (leadership.transfer !== null) return 'the leadership is being handed over';
  if (!isMembershipCommitted(state) || membership.outgoing !== null) return 'another change is under way';
  return null;
}

/**
 * At the end of each step of a leader, what follows from the membership that is committed: the exit from a joint one, whoever
 * began it (raft.md M3); a listed member that was met is bound; a voter dead for long is removed; a leader that is no voter
 * any more hands over and goes (M5). One membership at most, and the next when it is committed.
 */
export function proceed(state: RaftState, leadership: Leadership): void {
  const membership = state.memberships.current;
  if (membership === null || leadership.transfer !== null) return;
  if (state.commitIndex < leadership.firstIndex || !isMembershipCommitted(state)) return;
  if (membership.outgoing !== null) return adopt(state, leadership, left(membership));
  if (!isBoundVoter(membership, state.options.self)) return leave(state, leadership);
  if (membership.unmet > 0) bindNext(state, leadership, membership);
  else removeDead(state, leadership, membership);
}

/** Binds one listed member that was met after the founding. */
function bindNext(state: RaftState, leadership: Leadership, membership: Membership): void {
  const isFree = (id: NodeId): boolean => boundIncarnation(membership, id) === null;
  const next = [...state.met.values()].find(({ member, up }) => up && isFree(member.id));
  if (next !== undefined) adopt(state, leadership, bind(membership, next.member));
}

/** One at a time, the one that was silent longest; the voters that remain have a living majority (raft.md M12). */
function removeDead(state: RaftState, leadership: Leadership, membership: Membership): void {
  const { removeDeadAfterMs } = state.options;
  if (removeDeadAfterMs === Infinity) return;
  const silent = membership.voters
    .map(({ id }) => ({ id, silentMs: silentMs(state, leadership, id) }))
    .sort((a, b) => b.silentMs - a.silentMs)[0];
  if (silent === undefined || silent.silentMs < removeDeadAfterMs) return;
  const next = changed(membership, [{ kind: 'remove', id: silent.id }], () => null);
  if (typeof next === 'string' || !hasLivingMajority(next, (id) => isAlive(state, leadership, id))) return;
  state.effects.emit({ kind: 'deadRemoved', ...silent, term: state.term });
  adopt(state, leadership, next);
}

/** Hands over once, to whoever is furthest, and ends the leadership when that is done, refused or given up. */
function leave(state: RaftState, leadership: Leadership): void {
  if (!leadership.isLeaving) {
    leadership.isLeaving = true;
    startTransfer(state, null, 'it is no voter any more');
    if (leadership.transfer !== null) return;
  }
  becomeFollower(state, state.term, null, 'this node is no voter any more');
}

/** It is told once, by a membership that cannot be undone and is not one of the past that is being replayed. */
export function noticeRemoval(state: RaftState): void {
  const membership = state.memberships.current;
  if (state.isRemoved || !state.wasMember || state.role === 'leader' || membership === null) return;
  if (!isMembershipCommitted(state) || membership.unmet > 0 || names(membership, state.options.self)) return;
  if (state.leaderCommitIndex > state.log.lastIndex) return;
  state.isRemoved = true;
  state.effects.emit({ kind: 'removed', index: state.memberships.index, term: state.term });
}

function diskOf(state: RaftState, id: NodeId): string | null {
  return state.shunned.has(id) ? null : (state.met.get(id)?.member.incarnation ?? null);
}

/** What it lacks fits into one append: it is a round trip away from the end of the log. */
function isCaughtUp(state: RaftState, leadership: Leadership, id: NodeId): boolean {
  const progress = leadership.progress.get(id);
  if (progress?.mode !== 'replicate' || progress.matchIndex < state.log.base.index) return false;
  if (!isAlive(state, leadership, id)) return false;
  const missing = state.log.slice(progress.matchIndex + 1, state.options.limits.maxAppendBytes);
  return progress.matchIndex + missing.length >= state.log.lastIndex;
}

function isAlive(state: RaftState, leadership: Leadership, id: NodeId): boolean {
  const isHere = id === state.options.self.id || (state.met.get(id)?.up === true && !state.shunned.has(id));
  return isHere && silentMs(state, leadership, id) < state.options.timings.electionTimeoutMaxMs;
}

function silentMs(state: RaftState, leadership: Leadership, id: NodeId): number {
  if (id === state.options.self.id) return 0;
  const heardMs = leadership.progress.get(id)?.lastHeardMs ?? null;
  return heardMs === null ? Infinity : state.nowMs - heardMs;
}
