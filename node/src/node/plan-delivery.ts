import type { Reloaded } from '../coordinator/service.ts';

/** Why a plan is no run, for whoever asks after the health of the cluster. */
export interface PlanProblem {
  readonly address: string;
  readonly reason: string;
}

/** What brings plans from a source to the cluster. */
export interface PlanDelivery {
  /** Null: the plan is a run, or nothing is amiss yet. */
  problem(): PlanProblem | null;
  /**
   * Reads the source anew, at once, and submits what it holds; what it held before is the run it was. A plan that was refused
   * because a run was on is submitted again: somebody asks for it. Rejects with what is wrong with source or plan, RUN_IN_PROGRESS,
   * or as a submission does.
   */
  reload(asker?: AbortSignal): Promise<Reloaded>;
  close(): void;
}
