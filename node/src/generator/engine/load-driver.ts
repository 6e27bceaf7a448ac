import type { StripeTable } from '../schedule/types.ts';

/** How far a load may go, in run time. */
export interface Limits {
  /** Nothing is started at or beyond it. */
  readonly horizonMs: number;
  /** Nothing is planned at or beyond it: end of the plan, or an earlier stop. */
  readonly endMs: number;
}

/** What the load models decide about, carried out and booked by the engine. */
export interface LoadSink {
  /** `plannedMs` in run time. */
  fire(start: {
    readonly key: number;
    readonly iteration: number;
    readonly user: number;
    readonly plannedMs: number;
  }): void;
  drop(): void;
  skip(count: number): void;
  /** A user was ready for so long and not let go on. */
  held(ms: number): void;
  /** Everything planned before run time `runMs` is decided. */
  reached(runMs: number): void;
  readonly inFlight: number;
}

/** One load model's part of the engine. All times in run time. */
export interface LoadDriver {
  /** A further table, or the first ones. */
  setTables(tables: readonly StripeTable[]): void;
  /** Starts or settles what is due; returns up to where everything is settled. */
  pump(runMs: number, limits: Limits): number;
  /** When `pump` has something to do next; Infinity: nothing until a message or an ended iteration. */
  nextDueMs(limits: Limits): number;
  /** An iteration of this user has ended. True when another is due by that. */
  ended(user: number, runMs: number): boolean;
  /** Nothing is fired any more: settles what is planned before `endMs` and undecided. */
  settleRest(endMs: number): void;
}
