interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: what is planned runs in order of its instant, then of its planning. A binary heap. */
export class Scheduler {
  nowMs = 0;
  readonly #heap: Planned[] = [];
  #planned = 0;

  at(atMs: number, run: () => void): void {
    this.#planned += 1;
    this.#heap.push({ atMs: Math.max(atMs, this.nowMs), order: this.#planned, run });
    let child = this.#heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isBefore(this.#heap[child]!, this.#heap[parent]!)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  in(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  /** Runs everything planned up to `untilMs`, or until `done` says so after an event. */
  run(untilMs: number, done: () => boolean = () => false): void {
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= untilMs) {
      const next = this.#pop();
      this.nowMs = next.atMs;
      next.run();
      if (done()) return;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #pop(): Planned {
    const top = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink();
    }
    return top;
  }

  #sink(): void {
    let parent = 0;
    for (;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.#heap.length && isBefore(this.#heap[child]!, this.#heap[least]!)) least = child;
      }
      if (least === parent) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = held;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
