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
  /** What the state machine was restored from holds the entries up to here; 0 without. */
  readonly restoredIndex: number;
}

/** Gives committed commands to the state machine: in log order, each once per start, in slices of time. */
export class Applier<Result> {
  readonly #options: ApplierOptions<Result>;
  // Entries are shared with the core's log, so what waits here costs one reference each.
  #queue: Entry[] = [];
  #head = 0;
  #committedIndex: number;
  #appliedIndex: number;
  #restoring = false;
  #busy = false;
  #stopped = false;

  constructor(options: ApplierOptions<Result>) {
    this.#options = options;
    this.#committedIndex = options.restoredIndex;
    this.#appliedIndex = options.restoredIndex;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** What a read may rely on: nothing, while the state is being replaced. */
  get readableIndex(): number {
    return this.#restoring ? 0 : this.#appliedIndex;
  }

  /** The last index that is known to be committed here, applied or not. */
  get committedIndex(): number {
    return this.#committedIndex;
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== this.#committedIndex + 1) {
        invariant(false, `entry ${entry.index} was committed after ${this.#committedIndex}`);
      }
      this.#committedIndex = entry.index;
      this.#queue.push(entry);
    }
  }

  /**
   * Replaces the state by that of a snapshot at `index`, which `restore` loads. Nothing is applied meanwhile, and what it holds is
   * not applied afterwards, even where the log commits it only then (raft.md S7).
   */
  async replace(index: number, restore: () => void | Promise<void>): Promise<void> {
    this.#restoring = true;
    await restore();
    this.#restoring = false;
    if (this.#stopped) return;
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
    this.#options.hooks.onSlice(this.#appliedIndex);
    this.run();
  }

  /** The log begins behind `index` now: no entry up to there will come. */
  skipTo(index: number): void {
    this.#committedIndex = Math.max(this.#committedIndex, index);
  }

  /** Applies one slice now and the rest in later turns. */
  run(): void {
    if (this.#busy || this.#stopped || this.#restoring || this.#head === this.#queue.length) return;
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
      const isNew = index > this.#appliedIndex;
      const isCommand = isNew && entry.kind === 'command';
      const result = isCommand ? { value: stateMachine.apply(entry.data, { index, term }) } : null;
      if (isNew) this.#appliedIndex = index;
      hooks.onEntry(entry, result);
      if (clock.nowMs() >= untilMs) break;
    }
    if (!this.#stopped) hooks.onSlice(this.#appliedIndex);
  }
}
