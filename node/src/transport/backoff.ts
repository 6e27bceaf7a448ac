import { type Backoff, backoffMs } from '../lib/backoff.ts';

const RECONNECT: Backoff = {
  /** A restarted process is listening again within tens of milliseconds. */
  firstMs: 10,
  /** What a peer that comes back waits at most for us. One refused connect costs 50 us. */
  longestMs: 500,
};
/** After a mismatch an operator has to act, so seconds do not matter, and logs of both sides stay readable. */
export const REFUSED_DELAY_MS = 2_000;
/** A connection that stood this long was a good one: its loss is answered at once. */
export const STEADY_AFTER_MS = 1_000;

/**
 * Milliseconds to wait before the next attempt, after `failures` failed ones in a row: none for the first, then 10, 20,
 * 40, ... 500, each shortened by up to half at random, so that peers do not dial each other in step.
 */
export function reconnectDelayMs(failures: number, random: () => number): number {
  return failures === 0 ? 0 : backoffMs(failures, random, RECONNECT);
}
