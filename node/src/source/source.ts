import type { TuttiError } from '../lib/errors.ts';

/** What a source delivers: the text, and an id under which the same content is the same submission. */
export interface SourcedPlan {
  readonly text: string;
  readonly submissionId: string;
}

/** Who hears of a change. */
export interface SourceListener {
  readonly onPlan: (plan: SourcedPlan) => void;
  /** It holds no plan, or could not be read; it is tried again. */
  readonly onFailure: (error: TuttiError) => void;
}

/** Where a plan comes from besides the API. Each kind has the same shape, so whoever submits plans does not know which it is. */
export interface PlanSource {
  /** As CLUSTER_CONFIG_SOURCE calls it. */
  readonly kind: 'file' | 'consul-kv' | 'gcs';
  /** node: each node has its own, and gives it at its start (ADR 83). cluster: all share it, and the leader reads it (ADR 90). */
  readonly sharedBy: 'node' | 'cluster';
  /** For people: what problems of the plan begin with. */
  readonly name: string;
  /**
   * The plan as it is now. Rejects with SETTINGS_INVALID (a file that cannot be read), SOURCE_FAILED (there is none; the message
   * says how to put one there), CONSUL_FAILED or GCS_FAILED.
   */
  fetch(signal: AbortSignal): Promise<SourcedPlan>;
  /**
   * Tells of plans other than the one of that submission (null: than none), until the returned function is called; the same may
   * be told again. Null: this source cannot tell, or was not asked to.
   */
  readonly watch: ((since: string | null, listener: SourceListener) => () => void) | null;
}
