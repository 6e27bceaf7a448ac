/** What one iteration is to do. */
export interface IterationStart {
  /** Position in the plan. */
  readonly scenario: number;
  /** Monotonic instant it was planned for; response times count from it. */
  readonly plannedMs: number;
  /** Arrival number, or number of the user's iteration. */
  readonly iteration: number;
  /** Virtual user; in open models the arrival number. */
  readonly user: number;
}

/** What carries out iterations: the scenario runner, or a stand-in with virtual time in tests. */
export interface Runner {
  /** Begins an iteration; its end may be reported before this returns. */
  start(start: IterationStart): void;
  /** Does what is due: think times that are over, requests past their deadline. */
  wake(nowMs: number): void;
  /** Monotonic instant at which `wake` has something to do; Infinity when nothing. */
  readonly nextWakeMs: number;
  /** Gives up everything under way, without reporting its end. */
  abandon(): void;
}

export interface RunnerHost {
  /** An iteration has ended: all its steps succeeded, or one failed. */
  ended(user: number, succeeded: boolean, nowMs: number): void;
  /** `nextWakeMs` may have become earlier. */
  wakeSooner(atMs: number): void;
}
