import { reachedBy } from './quorum.ts';
import type { Leadership, RaftState } from './state.ts';
import { electorate } from './state.ts';
import type { NodeId } from './types.ts';

/**
 * Read leases (Raft thesis 6.4.1): for a while nobody else can be elected, so what this leader has committed is all there is. Here a
 * lease is a promise that each voter gives by name: it neither campaigns nor votes for another before so much time has
 * passed on its own clock. The leader counts it from before it asked, and shorter by as much as two clocks may run apart, so no
 * instant is ever compared between machines, and nothing rests on the election timeouts of others (ADR 0048).
 */

/** Rounds whose sending is remembered: an answer that is later than so many extends no lease. */
const MAX_ROUNDS = 64;

/** What this leader asks of each voter with a heartbeat; 0: nothing, as it may not hold a lease. */
export function leaseToAskMs(state: RaftState, leadership: Leadership): number {
  if (state.options.lease == null || leadership.isLeaseOver) return 0;
  return Math.floor(state.options.timings.electionTimeoutMinMs);
}

/** A round of heartbeats leaves now: a lease that its answers give has begun. */
export function noteRound(state: RaftState, leadership: Leadership): void {
  if (state.options.lease == null) return;
  const { leaseRounds, round } = leadership;
  leaseRounds.push({ round, sentMs: state.nowMs, leaseMs: leaseToAskMs(state, leadership) });
  if (leaseRounds.length > MAX_ROUNDS) leaseRounds.shift();
}

/** A voter has answered `round`, and promised `leaseMs`; a promise shorter than what was asked counts for nothing. */
export function notePromise(leadership: Leadership, from: NodeId, round: number, leaseMs: number): void {
  const progress = leadership.progress.get(from);
  const asked = leadership.leaseRounds.find((one) => one.round === round);
  if (progress === undefined || asked === undefined || asked.leaseMs === 0 || leaseMs < asked.leaseMs) return;
  progress.leaseFromMs = Math.max(progress.leaseFromMs, asked.sentMs);
}

/** Whether this leader may answer reads at this instant without asking anybody. */
export function holdsLease(state: RaftState, leadership: Leadership): boolean {
  const { lease, self, timings } = state.options;
  // Before its first commit a leader does not know what is committed (raft.md D1).
  if (lease == null || leadership.isLeaseOver || state.commitIndex < leadership.firstIndex) return false;
  const fromMs = reachedBy(electorate(state), (id) =>
    id === self.id ? Infinity : (leadership.progress.get(id)?.leaseFromMs ?? -Infinity),
  );
  const drift = lease.maxClockDriftPpm / 1e6;
  // The voters' clocks may be that much too fast, and this one that much too slow.
  const lengthMs = (Math.floor(timings.electionTimeoutMinMs) * (1 - drift)) / (1 + drift);
  return fromMs !== null && state.nowMs < fromMs + lengthMs;
}

/** From now on this leader holds none in its term: it has asked another to campaign, who need not wait for any (raft.md D5). */
export function endLeases(leadership: Leadership): void {
  leadership.isLeaseOver = true;
}

/** Of a voter: promises what its leader asks, and returns it; 0: nothing is promised. */
export function promiseLease(state: RaftState, to: NodeId, askedMs: number): number {
  const { lease, timings } = state.options;
  // What a restart could forget must end within the silence that follows it.
  if (lease == null || askedMs === 0 || askedMs > timings.electionTimeoutMaxMs) return 0;
  state.leasePromise = { to, untilMs: state.nowMs + askedMs };
  return askedMs;
}

/** The instant before which this node may neither campaign nor vote. */
export function promisedUntilMs(state: RaftState): number {
  return Math.max(state.leasePromise?.untilMs ?? 0, state.silentUntilMs);
}

/** A node that has lived before may have promised a lease then, to whom it does not know any more. */
export function keepSilence(state: RaftState): void {
  const { hardState, lease, timings } = state.options;
  if (lease != null && hardState.term > 0) state.silentUntilMs = state.nowMs + timings.electionTimeoutMaxMs;
}

/** Why a vote for `candidate` has to wait, or null. Who was promised the lease asks for votes only when it leads no more. */
export function leaseObjection(state: RaftState, candidate: NodeId): string | null {
  if (state.nowMs < state.silentUntilMs) return 'this node has just started, and may have promised a read lease before';
  const { leasePromise, nowMs } = state;
  if (leasePromise === null || nowMs >= leasePromise.untilMs || leasePromise.to === candidate) return null;
  return `a read lease is promised to ${leasePromise.to}`;
}
