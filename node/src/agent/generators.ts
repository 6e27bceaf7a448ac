import type { StripeTable } from '../generator/schedule/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { EncodedCut } from '../results/measurements.ts';

/** The load of one run on this node, whoever sends it: child processes (generator-pool.ts), or a fake in tests. */
export interface Generators {
  /** Ready to start, or the step that failed. Never rejects for what a plan or a machine may cause. */
  prepare(): Promise<PrepareOutcome>;
  /** Generators that can still send load. */
  living(): number;
  /** The run starts at `startMs` of the machine's monotonic clock; again with another value to slew. */
  start(startMs: number): void;
  /** The whole list; to be told before a horizon that lies beyond the newest table's start. */
  setTables(tables: readonly StripeTable[]): void;
  setHorizon(horizonMs: number): void;
  drain(atMs: number, deadlineMs: number): void;
  /** Ends them all and resolves when they are gone. Safe to call twice. */
  close(): Promise<void>;
}

export type PrepareOutcome =
  | { readonly ok: true; readonly generators: number }
  | { readonly ok: false; readonly step: string; readonly message: string };

export interface GeneratorsJob {
  readonly plan: Plan;
  /** The same on every node of a run: it decides which scenario an arrival takes. */
  readonly seed: number;
  /** The name of this node's agent in the stripe tables. */
  readonly slot: string;
  readonly prepareTimeoutMs: number;
}

export interface GeneratorsListener {
  /** A generator's loop has passed the start, so late; each says it once, before the first cut. */
  onStarted(lateMs: number): void;
  /** The node's cut of a run second, generators merged; in order, without gaps from the first. */
  onCut(cut: EncodedCut): void;
  /** A generator died or reported an error of its own; the others go on. */
  onFault(message: string): void;
}

export type CreateGenerators = (job: GeneratorsJob, listener: GeneratorsListener) => Generators;

/** FNV-1a over the run's id: any node computes the same seed from what it knows anyway. */
export function seedOf(runId: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < runId.length; index++) {
    hash = Math.imul(hash ^ runId.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
