/** How many of `size` members are a majority. */
export function majority(size: number): number {
  return Math.floor(size / 2) + 1;
}

/**
 * The largest value that at least `needed` of the members have reached (raft.md R15): of match indexes, what a quorum
 * holds; of instants, since when a quorum is silent. Null where fewer than `needed` members are there to count.
 */
export function reachedBy(values: readonly number[], needed: number): number | null {
  if (values.length < needed) return null;
  return values.toSorted((a, b) => b - a)[needed - 1]!;
}
