import { invariant } from '../lib/invariant.ts';
import { endLeases } from './lease.ts';
import type { Leadership, RaftState } from './state.ts';
import { send } from './state.ts';
import type { NodeId } from './types.ts';

/**
 * Hands the leadership to a voter (Raft thesis 3.10), to the one that is furthest where none is named: no proposals from here on,
 * the target catches up, is told to campaign at once, and needs no pre-vote. If it does not win within the longest election
 * timeout, this leader goes on.
 */
export function startTransfer(state: RaftState, to: NodeId | null, why: string): void {
  const { leadership, nowMs, term } = state;
  const target = to ?? furthestPeer(state);
  const reason = refusal(state, target);
  if (reason !== null) return state.effects.emit({ kind: 'transferFailed', to: target, term, reason });
  invariant(leadership !== null && target !== null, 'without a leader or a target a transfer is refused');
  leadership.transfer = { to: target, deadlineMs: nowMs + state.options.timings.electionTimeoutMaxMs, isAsked: false };
  state.effects.emit({ kind: 'transferStarted', to: target, term, reason: why });
  askIfCaughtUp(state, leadership);
}

function refusal(state: RaftState, to: NodeId | null): string | null {
  const { leadership, options } = state;
  if (leadership === null) return `this node does not lead${state.leaderId === null ? '' : `; ${state.leaderId} does`}`;
  if (leadership.transfer !== null) return `a transfer to ${leadership.transfer.to} is under way`;
  if (to === null) return 'no other voter is connected';
  if (to === options.self.id) return 'this node leads already';
  if (!heirs(state).includes(to)) return `${to} is not a voter`;
  return isConnected(state, to) ? null : `${to} is not connected`;
}

/** The other voters that stay: not those on their way out. */
function heirs(state: RaftState): NodeId[] {
  const voters = state.memberships.current?.voters ?? [];
  return voters.map(({ id }) => id).filter((id) => id !== state.options.self.id);
}

function isConnected(state: RaftState, id: NodeId): boolean {
  return state.met.get(id)?.up === true && !state.shunned.has(id);
}

function furthestPeer(state: RaftState): NodeId | null {
  const candidates = heirs(state).filter((id) => isConnected(state, id));
  const matchOf = (id: NodeId): number => state.leadership?.progress.get(id)?.matchIndex ?? 0;
  return candidates.sort((a, b) => matchOf(b) - matchOf(a))[0] ?? null;
}

/** The target has all that this leader has, and no proposal can come between: it may campaign now (raft.md T1, T4). */
export function askIfCaughtUp(state: RaftState, leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer === null || transfer.isAsked) return;
  const { index: lastLogIndex, term: lastLogTerm } = state.log.last;
  if (leadership.progress.get(transfer.to)?.matchIndex !== lastLogIndex) return;
  transfer.isAsked = true;
  endLeases(leadership);
  send(state, transfer.to, { kind: 'timeoutNow', lastLogIndex, lastLogTerm });
}

/** This leader goes on. The target may still campaign and win, by a term above this one. */
export function failTransfer(state: RaftState, leadership: Leadership, reason: string): void {
  const { transfer } = leadership;
  if (transfer === null) return;
  leadership.transfer = null;
  state.effects.emit({ kind: 'transferFailed', to: transfer.to, term: state.term, reason });
}
