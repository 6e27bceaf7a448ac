import type { LoadTerms } from '../generator/schedule/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { Books, EncodedMeasurements } from '../results/measurements.ts';
import type { Acknowledgement, AgentRef, DrainOrder, StartInstant, StartQuality } from './state.ts';

/**
 * All that can change the replicated state. Proposed by the coordinator of the leader only; `term` is the term it led in,
 * and the reducer refuses a command whose entry carries another one (fencing).
 */
export type Command = { readonly term: number } & CommandBody;

export type CommandBody =
  | {
      readonly kind: 'submitRun';
      readonly runId: string;
      readonly submissionId: string;
      /** Of a plan that no person gave: the one slot that remembers what became of it. */
      readonly source: string | null;
      readonly planText: string;
      /** What the leader understood by the text. No node asks its own rules again: they may be of another version. */
      readonly plan: Plan;
      readonly planHash: string;
      readonly expected: readonly AgentRef[];
      readonly missing: readonly string[];
      readonly submittedAtUnixMs: number;
    }
  /** Of the source that all nodes share: why there is no plan to run from it; null: there is, or no longer a reason not to. */
  | {
      readonly kind: 'noteSource';
      readonly source: string;
      readonly reason: string | null;
      /** It changed while a run is on, and is run when that has ended. */
      readonly isWaiting: boolean;
    }
  | { readonly kind: 'acknowledge'; readonly runId: string; readonly acknowledgement: Acknowledgement }
  /** Forgets the acknowledgements and asks `expected` again. */
  | {
      readonly kind: 'retryPrepare';
      readonly runId: string;
      readonly attempt: number;
      readonly expected: readonly AgentRef[];
    }
  /** The first one counts. `slots` is the first stripe table. */
  | {
      readonly kind: 'scheduleStart';
      readonly runId: string;
      readonly start: StartInstant;
      readonly startedAtUnixMs: number;
      readonly slots: readonly string[];
      readonly horizonMs: number;
    }
  | { readonly kind: 'markRunning'; readonly runId: string }
  /** `runMs`: the run time at which the leader ordered it. */
  | { readonly kind: 'extendHorizon'; readonly runId: string; readonly horizonMs: number; readonly runMs: number }
  /** Takes effect at the horizon as it stands when this is applied. */
  | {
      readonly kind: 'assignStripes';
      readonly runId: string;
      readonly slots: readonly string[];
      readonly reason: string;
    }
  /** Of a plan that differs from that of the run in its load alone. Takes effect at the horizon as it stands when this is applied. */
  | {
      readonly kind: 'changeLoad';
      readonly runId: string;
      readonly submissionId: string;
      readonly source: string | null;
      readonly planHash: string;
      readonly terms: LoadTerms;
    }
  | {
      readonly kind: 'countIntervals';
      readonly runId: string;
      readonly intervals: readonly CountedInterval[];
      /** The same intervals' measurements, merged by region. */
      readonly regions: readonly { readonly region: string; readonly measurements: EncodedMeasurements }[];
    }
  | { readonly kind: 'beginDraining'; readonly runId: string; readonly stop: DrainOrder }
  /** Settles every agent: its last interval counted, or the span lost (reckoned by the reducer from the tables). */
  | { readonly kind: 'finishRun'; readonly runId: string }
  | { readonly kind: 'abortRun'; readonly runId: string; readonly reason: string };

/** Identity and books of one interval; (run, node, session, number) is counted at most once. */
export interface CountedInterval {
  readonly agent: AgentRef;
  readonly number: number;
  readonly final: boolean;
  readonly books: Readonly<Books>;
  readonly inFlight: number;
  readonly start: StartQuality | null;
}

/** What the reducer answers to the proposer; a refusal changes nothing. */
export type CommandResult =
  /** The run it is about; empty where it is about none. */
  | { readonly ok: true; readonly runId: string }
  | {
      readonly ok: false;
      readonly code: 'RUN_IN_PROGRESS' | 'KEY_REUSED' | 'RUN_NOT_FOUND' | 'STALE_COMMAND';
      readonly message: string;
    };
