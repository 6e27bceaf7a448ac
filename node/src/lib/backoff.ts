export interface Backoff {
  /** After the first failure. */
  readonly firstMs: number;
  /** However many there were. */
  readonly longestMs: number;
}

/** For a service that others share: a source of plans, Consul. */
export const patientBackoff: Backoff = { firstMs: 1_000, longestMs: 30_000 };
/** Beyond it the longest pause is reached in any case, and the power stays a number. */
const mostDoublings = 20;

/**
 * The pause in milliseconds after so many failures in a row, from 1: doubling from the first to the longest, each shortened by up to
 * half at random, so that those who failed together do not come back together. `random` in [0, 1).
 */
export function backoffMs(failures: number, random: () => number, { firstMs, longestMs }: Backoff): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, mostDoublings));
  return fullMs * (1 - random() / 2);
}
