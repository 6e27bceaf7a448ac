import type { RaftState } from './state.ts';
import { armElectionTimer } from './roles.ts';
import type { Timings } from './types.ts';

/** Heartbeats that may be lost or late before a follower doubts its leader: what `lan` allows, the least of the profiles. */
export const minHeartbeatsPerElection = 3;

/** Ten round trips: a vote takes two and a write on each side, and the rest is for queues (etcd's advice is the same). */
const roundTripsPerElection = 10;

/** Below it the clock of the machine and its disk matter more than the network: `lan` is the floor. */
const minRungMs = 5;
/** Twelve seconds of election timeout are more than anybody wants; what is slower than this is broken. */
const maxRungMs = 640;

/**
 * The round trip that timings are made for: the next power of two times 5 ms. In steps, so that nodes that measure nearly the same
 * come to the very same timings, and a small change changes nothing.
 */
export function rungOf(roundTripMs: number): number {
  let rungMs = minRungMs;
  while (rungMs < roundTripMs && rungMs < maxRungMs) rungMs *= 2;
  return rungMs;
}

/** `auto`: the timings for a round trip of `rungMs`, never below those of `lan`. */
export function timingsForRung(rungMs: number): Timings {
  const electionTimeoutMinMs = Math.max(150, roundTripsPerElection * rungMs);
  return {
    heartbeatMs: Math.max(50, rungMs),
    electionTimeoutMinMs,
    electionTimeoutMaxMs: 2 * electionTimeoutMinMs,
    fastElectionStepMs: rungMs,
  };
}

/** `custom`: the shortest election timeout is given, the longest is twice that, and the rest follows as in `lan`. */
export function customTimings(heartbeatMs: number, electionTimeoutMs: number): Timings {
  return {
    heartbeatMs,
    electionTimeoutMinMs: electionTimeoutMs,
    electionTimeoutMaxMs: 2 * electionTimeoutMs,
    fastElectionStepMs: Math.max(minRungMs, Math.round(electionTimeoutMs / 30)),
  };
}

/** Why no cluster could keep a leader with these, or null. */
export function timingsProblem(timings: Timings): string | null {
  const { heartbeatMs, electionTimeoutMinMs, electionTimeoutMaxMs, fastElectionStepMs } = timings;
  if (![heartbeatMs, electionTimeoutMinMs, electionTimeoutMaxMs, fastElectionStepMs].every((ms) => ms > 0)) {
    return 'every one of the timings must be above 0 ms';
  }
  if (electionTimeoutMinMs < minHeartbeatsPerElection * heartbeatMs) {
    return (
      `an election timeout of ${electionTimeoutMinMs} ms is less than ${minHeartbeatsPerElection} heartbeats of ` +
      `${heartbeatMs} ms: one late heartbeat would end a leadership`
    );
  }
  if (electionTimeoutMaxMs <= electionTimeoutMinMs) {
    return `the longest election timeout (${electionTimeoutMaxMs} ms) must be above the shortest (${electionTimeoutMinMs} ms), or votes split`;
  }
  return null;
}

/**
 * Goes on with other timings. Elections are safe under any, so nothing depends on when the other nodes follow. What is waited for
 * already is kept where it comes sooner by shorter timings, and where it comes later by longer ones.
 */
export function adoptTimings(state: RaftState, timings: Timings): void {
  const { electionDeadlineMs, leadership } = state;
  const areShorter = timings.electionTimeoutMaxMs < state.options.timings.electionTimeoutMaxMs;
  state.options = { ...state.options, timings };
  armElectionTimer(state);
  state.electionDeadlineMs = (areShorter ? Math.min : Math.max)(electionDeadlineMs, state.electionDeadlineMs);
  if (leadership === null) return;
  leadership.heartbeatDeadlineMs = Math.min(leadership.heartbeatDeadlineMs, state.nowMs + timings.heartbeatMs);
}
