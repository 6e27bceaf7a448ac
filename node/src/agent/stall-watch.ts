/** How often the pool looks: as often as cuts are due. */
export const stallLookMs = 1_000;
/**
 * So many looks without a cut that is due: a generator that is starved or collects garbage is back long before, and the
 * merged seconds that wait for it are bounded by it.
 */
export const maxSilentLooks = 10;

/**
 * Tells which generators hang: their cuts are due and do not come. Counted in looks, not in time: if this process itself
 * stood still their cuts wait in the pipe, and the first look afterwards must condemn nobody. Pure.
 */
export class StallWatch {
  readonly #maxLooks: number;
  readonly #sources: { next: number; silentLooks: number }[];

  /** `firstSecond`: the run second in which the generators were started. */
  constructor(count: number, firstSecond: number, maxLooks = maxSilentLooks) {
    this.#maxLooks = maxLooks;
    this.#sources = Array.from({ length: count }, () => ({ next: firstSecond, silentLooks: 0 }));
  }

  /** A cut has come. */
  heard(index: number, number: number): void {
    const source = this.#sources[index]!;
    source.next = number + 1;
    source.silentLooks = 0;
  }

  /** One look when all before `settledMs` may be cut: who has been silent too long. A second more is the time a cut takes. */
  look(settledMs: number): readonly number[] {
    return this.#sources.flatMap((source, index) => {
      if ((source.next + 2) * 1_000 <= settledMs) source.silentLooks++;
      return source.silentLooks >= this.#maxLooks ? [index] : [];
    });
  }
}
