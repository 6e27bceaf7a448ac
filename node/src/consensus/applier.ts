import type { Clock } from '../lib/clock.ts';
import { invariant } from '../lib/invariant.ts';
import type { Entry } from '../raft/types.ts';
import type { StateMachine } from './consensus.ts';

/**
 * How long commands are applied before the event loop gets its turn: a tenth of the shortest heartbeat interval (lan: 50),
 * so that replaying a long log never makes a node look dead.
 */
export const applySliceMs = 5;

export interface ApplierHooks<Result> {
  /** `result` is null for entries that are not the state machine's. */
  onEntry(entry: Entry, result: { readonly value: Result } | null): void;
  /** Everything up to this index is applied; called once per slice. */
  onSlice(appliedIndex: number): void;
  onFailed(error: unknown): void;
}

export interface ApplierOptions<Result> {
  readonly stateMachine: StateMachine<Result>;
  readonly clock: Clock;
  readonly defer: (callback: () => void) => void;
  readonly hooks: ApplierHooks<Result>;
}

/** Gives committed commands to the state machine: in log order, each once per start, in slices of time. */
export class Applier<Result> {
  readonly #options: ApplierOptions<Result>;
  // Entries are shared with the core's log, so what waits here costs one reference each.
  #queue: Entry[] = [];
  #head = 0;
  #committedIndex = 0;
  #appliedIndex = 0;
  #busy = false;
  #stopped = false;

  constructor(options: ApplierOptions<Result>) {
    this.#options = options;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The last index that is known to be committed here, applied or not. */
  get committedIndex(): number {
    return this.#committedIndex;
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(
        entry.index === this.#committedIndex + 1,
        `entry ${entry.index} was committed after ${this.#committedIndex}`,
      );
      this.#committedIndex = entry.index;
      this.#queue.push(entry);
    }
  }

  /** Applies one slice now and the rest in later turns. */
  run(): void {
    if (this.#busy || this.#stopped || this.#head === this.#queue.length) return;
    // Set until the last slice is through: listeners called from here may come back.
    this.#busy = true;
    try {
      this.#slice();
    } catch (error) {
      this.#options.hooks.onFailed(error);
      return;
    }
    if (this.#head < this.#queue.length) {
      this.#options.defer(() => this.#resume());
      return;
    }
    this.#queue = [];
    this.#head = 0;
    this.#busy = false;
  }

  stop(): void {
    this.#stopped = true;
  }

  #resume(): void {
    this.#busy = false;
    this.run();
  }

  #slice(): void {
    const { stateMachine, clock, hooks } = this.#options;
    const untilMs = clock.nowMs() + applySliceMs;
    while (this.#head < this.#queue.length && !this.#stopped) {
      const entry = this.#queue[this.#head++]!;
      const { index, term } = entry;
      const result = entry.kind === 'command' ? { value: stateMachine.apply(entry.data, { index, term }) } : null;
      this.#appliedIndex = index;
      hooks.onEntry(entry, result);
      if (clock.nowMs() >= untilMs) break;
    }
    if (!this.#stopped) hooks.onSlice(this.#appliedIndex);
  }
}
