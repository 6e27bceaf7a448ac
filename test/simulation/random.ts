/** A seeded stream of numbers; streams of different labels are independent, so that one part's draws never shift another's. */
export class Random {
  #state: number;

  constructor(seed: number, label: string) {
    let hash = 0x811c9dc5;
    for (const character of `${seed}/${label}`) {
      hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
    }
    // FNV-1a leaves the last characters in the low bits; two rounds spread them.
    this.#state = hash >>> 0;
    this.next();
    this.#state ^= Math.floor(this.next() * 4_294_967_296);
  }

  /** Uniform in [0, 1): mulberry32, of which 32 bits are plenty for drawing faults. */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };

  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!;
  }

  /** A waiting time of a memoryless process. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  shuffled<T>(from: readonly T[]): T[] {
    return from
      .map((value) => ({ value, key: this.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ value }) => value);
  }
}
