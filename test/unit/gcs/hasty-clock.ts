import type { Clock } from '../../../node/src/lib/clock.ts';

/** Nobody waits: time is at once where the next timer wants it. */
export class HastyClock implements Clock {
  /** What was waited for, from one timer to the next. */
  readonly pausesMs: number[] = [];
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, callback: () => void): () => void {
    const immediate = setImmediate(() => {
      this.pausesMs.push(atMs - this.#nowMs);
      this.#nowMs = Math.max(this.#nowMs, atMs);
      callback();
    });
    return () => clearImmediate(immediate);
  }
}
