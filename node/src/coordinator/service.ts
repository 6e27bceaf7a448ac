import type { RunProgress } from '../results/progress.ts';
import type { RunReport } from '../results/report.ts';

export type { RunProgress } from '../results/progress.ts';

export interface Submitted {
  readonly runId: string;
  /** False: it is the run of an earlier submission with this id. */
  readonly created: boolean;
  /** Listed members that were not there when it was created: it goes on without them, and they may join later. */
  readonly missing: readonly string[];
}

/** What a reload came to. */
export interface Reloaded extends Submitted {
  /** Not a run yet: it waits until this one has ended (CLUSTER_ON_RELOAD=next). */
  readonly waitsFor: string | null;
  /** The run was on, and goes on with the load of this plan: nothing else of it is new. */
  readonly changed: boolean;
}

/** Whose run, and which; null: anybody's, and whichever is on when it is asked. */
export interface StopRequest {
  readonly tenant: string | null;
  readonly runId: string | null;
}

/**
 * What any node offers about runs, whichever node leads: the API and the CLI stand on it. A follower forwards to the leader
 * over the cluster's streams. Each call rejects with a TuttiError (NO_LEADER, TIMEOUT, ... as in lib/errors.ts). A change whose
 * `asker` has gone before there was anybody to give it to is not made: it would come as a surprise.
 */
export interface RunService {
  /** Validates (PLAN_INVALID lists every problem), then commits. The same submissionId twice is one run. RUN_IN_PROGRESS. */
  submit(
    submission: {
      readonly planText: string;
      readonly submissionId: string;
      /** Of a plan that no person gives: the first answer about it stands for good (ADR 83). */
      readonly source?: string;
      readonly fileName?: string;
    },
    asker?: AbortSignal,
  ): Promise<Submitted>;
  /**
   * Ends the run in an orderly way; resolves when the order is committed. A run that is named may be over by then, so it may be
   * asked again. RUN_NOT_FOUND when it is not on and was not the last one, and, where none is named, when none is on.
   */
  stop(request: StopRequest, asker?: AbortSignal): Promise<{ readonly runId: string }>;
  /** RUN_NOT_FOUND when there never was one. */
  progress(): Promise<RunProgress>;
  /** The merged result so far, or of the last run. RUN_NOT_FOUND. */
  report(): Promise<RunReport>;
}
