const firstMs = 1_000;
const longestMs = 30_000;

/**
 * The pause after so many failures in a row, from 1: doubling from a second up to half a minute, and between a half and the whole
 * of it, so that those who failed together do not come back together. `random` in [0, 1).
 */
export function backoffMs(failures: number, random: () => number): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10));
  return fullMs * (0.5 + random() / 2);
}
