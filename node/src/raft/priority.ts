import type { Leadership, RaftState, Standing } from './state.ts';
import { countedPeers } from './state.ts';
import { startTransfer } from './transfer.ts';
import type { NodeId } from './types.ts';

/**
 * Longest election timeouts for which a leader must have led, and the preferred voter been connected, before the one hands over to
 * the other: a cluster that is still finding itself is left alone.
 */
export const steadyTimeouts = 10;

/** Each loss of the preferred voter, and each handover to it that failed, doubles that wait; this many times at most. */
const maxDoublings = 5;

export function noteUp(state: RaftState, id: NodeId, priority: number): void {
  const doublings = state.standings.get(id)?.doublings ?? 0;
  state.standings.set(id, { priority, isUp: true, upSinceMs: state.nowMs, doublings });
}

export function noteDown(state: RaftState, id: NodeId): void {
  const standing = state.standings.get(id);
  if (standing?.isUp !== true) return;
  if (state.nowMs - standing.upSinceMs >= waitMs(state, maxDoublings)) standing.doublings = 0;
  standing.isUp = false;
  doubt(standing);
}

function doubt(standing: Standing): void {
  standing.doublings = Math.min(standing.doublings + 1, maxDoublings);
}

function waitMs(state: RaftState, doublings: number): number {
  return steadyTimeouts * state.options.timings.electionTimeoutMaxMs * 2 ** doublings;
}

/** Of oneself, or of a peer as its latest handshake said; 0 of one that was never met. */
export function priorityOf(state: RaftState, id: NodeId): number {
  if (id === state.options.self.id) return state.options.priority ?? 0;
  return state.standings.get(id)?.priority ?? 0;
}

/** Who comes first: by priority, and among equals by name. Negative: `a` does. */
export function byRank(state: RaftState, a: NodeId, b: NodeId): number {
  return priorityOf(state, b) - priorityOf(state, a) || (a < b ? -1 : 1);
}

/**
 * Whether a voter of a higher priority is connected, so that this node gives it the first try. It is only time that is given: no vote
 * is ever refused for the sake of priority, so a preferred voter that lags, or cannot win, holds up nobody.
 */
export function standsBack(state: RaftState): boolean {
  const own = priorityOf(state, state.options.self.id);
  for (const [id, { isUp, priority }] of state.standings) {
    // In this order: it is asked for each append, and most often all have the same priority.
    if (priority > own && isUp && !state.shunned.has(id) && countedPeers(state).includes(id)) return true;
  }
  return false;
}

/**
 * A leader hands over to a voter of a higher priority (by an ordinary transfer), once both have been steady and the voter has all that
 * is committed. One that comes and goes is waited for longer each time, so the leadership does not flap with it.
 */
export function preferOther(state: RaftState, leadership: Leadership): void {
  const target = preferredPeer(state, leadership);
  if (target === null) return;
  const own = priorityOf(state, state.options.self.id);
  startTransfer(state, target, `its priority is ${priorityOf(state, target)}, this node's ${own}`);
  // Should it fail, the next try comes later; should it not, this leader is none any more, and being lost counts anyway.
  const standing = state.standings.get(target)!;
  standing.upSinceMs = state.nowMs;
  doubt(standing);
}

function preferredPeer(state: RaftState, leadership: Leadership): NodeId | null {
  const { commitIndex, nowMs, options } = state;
  if (leadership.transfer !== null || commitIndex < leadership.firstIndex) return null;
  if (nowMs - leadership.sinceMs < waitMs(state, 0)) return null;
  const isFit = (id: NodeId): boolean => {
    const standing = state.standings.get(id);
    if (standing?.isUp !== true || nowMs - standing.upSinceMs < waitMs(state, standing.doublings)) return false;
    const progress = leadership.progress.get(id);
    return progress?.mode === 'replicate' && progress.matchIndex >= commitIndex;
  };
  const [best] = countedPeers(state)
    .filter((id) => priorityOf(state, id) > priorityOf(state, options.self.id))
    .sort((a, b) => byRank(state, a, b))
    .filter(isFit);
  return best ?? null;
}
