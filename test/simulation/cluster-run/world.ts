import type { Clock } from '../../../node/src/lib/clock.ts';

/** Uniform numbers from one seed (mulberry32): the same seed is the same cluster, event for event. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.next() * items.length)]!;
  }
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: events in order, and everything their promises do before the next one. */
export class World {
  nowMs = 0;
  readonly random: Random;
  #order = 0;
  #heap: Event[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  after(delayMs: number, run: () => void): () => void {
    let cancelled = false;
    this.#push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run: () => cancelled || run() });
    return () => void (cancelled = true);
  }

  /** Until `isDone` or the virtual deadline; false: the deadline came first. */
  async run(isDone: () => boolean, deadlineMs: number): Promise<boolean> {
    await settled();
    while (!isDone()) {
      const event = this.#pop();
      if (event === undefined) return false;
      if (event.atMs > deadlineMs) {
        // It is for whoever runs the world on.
        this.#push(event);
        return false;
      }
      this.nowMs = event.atMs;
      event.run();
      await settled();
    }
    return true;
  }

  #push(event: Event): void {
    this.#heap.push(event);
    let at = this.#heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(this.#heap[at]!, this.#heap[parent]!)) break;
      [this.#heap[at], this.#heap[parent]] = [this.#heap[parent]!, this.#heap[at]!];
      at = parent;
    }
  }

  #pop(): Event | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    this.#heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      let least = at;
      for (const child of [left, left + 1]) {
        if (child < this.#heap.length && before(this.#heap[child]!, this.#heap[least]!)) least = child;
      }
      if (least === at) return first;
      [this.#heap[at], this.#heap[least]] = [this.#heap[least]!, this.#heap[at]!];
      at = least;
    }
  }
}

const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Everything that was resolved has had its turn: setImmediate comes after the microtasks, however long their chain. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A machine's clock: it began at some other number and runs a little fast or slow. */
export class MachineClock implements Clock {
  readonly #world: World;
  readonly #offsetMs: number;
  readonly #rate: number;
  /** Callbacks of a process that is stopped wait until it goes on; those of a dead one never come. */
  gate: (callback: () => void) => void = (callback) => callback();

  constructor(world: World, offsetMs: number, driftPpm: number) {
    this.#world = world;
    this.#offsetMs = offsetMs;
    this.#rate = 1 + driftPpm / 1e6;
  }

  nowMs(): number {
    return this.#offsetMs + this.#world.nowMs * this.#rate;
  }

  at(atMs: number, callback: () => void): () => void {
    return this.#world.after((atMs - this.nowMs()) / this.#rate, () => this.gate(callback));
  }
}
