import type { Books, ErrorCategory } from './measurements.ts';

/**
 * The result of a run as people and machines read it (`GET /result`, `tutti result --json`, the report of `tutti run`).
 * Times in milliseconds with fractions. The same for standalone and cluster runs.
 */
export interface RunReport {
  readonly schema: 'tutti.report/1';
  readonly run: {
    readonly id: string;
    readonly planHash: string;
    /** What it was submitted as: `gs://bucket/object#generation`, for instance. Null: without a cluster. */
    readonly submission: string | null;
    readonly planName: string | null;
    readonly tenant: string | null;
    readonly state: string;
    readonly startedAt: string | null;
    /** How long load was planned: the whole plan, or up to the stop; while the run is on, what has been measured. */
    readonly durationMs: number;
    /** Of the whole plan, whenever the run ended. */
    readonly plannedDurationMs: number;
    /** Why it ended: completed, stopped, or the reason of an abort; null while it is on. */
    readonly ended: string | null;
  };
  readonly verdict: Verdict;
  readonly totals: {
    readonly requests: number;
    readonly failedRequests: number;
    readonly requestsPerSecond: number;
    readonly iterations: number;
    readonly failedIterations: number;
    /** Requests sent a second time: the target had closed the kept connection under them, and the method may be repeated. */
    readonly resent: number;
    readonly bytesSent: number;
    readonly bytesReceived: number;
    readonly response: Percentiles;
    readonly service: Percentiles;
    readonly lateness: Percentiles;
    readonly errors: Readonly<Partial<Record<ErrorCategory, number>>>;
  };
  readonly scenarios: readonly ScenarioReport[];
  /** The same figures by region; one element when all nodes share one. */
  readonly regions: readonly { readonly region: string; readonly scenarios: readonly ScenarioReport[] }[];
  readonly books: BooksReport;
  readonly nodes: readonly NodeReport[];
  /** Listed members that were not there when the run began, by id or address; who joined later is among the nodes too. */
  readonly missing: readonly string[];
  readonly withoutMajority: readonly WithoutMajority[];
  readonly stripeChanges: readonly { readonly fromMs: number; readonly reason: string }[];
  /** Where the plan was changed in mid-run, and what holds from there on; each is among `stripeChanges`, too. Run times. */
  readonly loadChanges: readonly {
    readonly fromMs: number;
    /** Null: a closed model. */
    readonly ratePerSecond: number | null;
    /** Users, or the bound in flight; null: derived from the rate. */
    readonly workers: number | null;
    readonly durationMs: number;
  }[];
  readonly firedPerSecond: readonly number[];
  readonly endedPerSecond: readonly number[];
}

/**
 * valid: as planned, or up to the stop (`run.ended`, `run.plannedDurationMs`). running: the run is on, and nothing is amiss yet. generator-limited: the generators could not keep the schedule (latenesses or drops beyond the bound).
 * degraded: part of the load or of its measurements is missing (a lost node, time without load, iterations that never ended).
 * aborted: the run ended before its start, so there are no figures; one that had begun is degraded.
 * Never silently (docs/plan.md, "The verdict").
 */
export interface Verdict {
  readonly kind: 'valid' | 'running' | 'generator-limited' | 'degraded' | 'aborted';
  readonly reasons: readonly string[];
}

/** For so long the run had no leader with a majority of the nodes behind it that nothing could be started. Run times. */
export interface WithoutMajority {
  /** When one was last known to be there; until `toMs` nothing was agreed on. */
  readonly agreedMs: number;
  /** Up to here load was still allowed. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Arrivals of the schedule planned between `fromMs` and `toMs`, whoever was to fire them; null for closed load models. */
  readonly arrivals: number | null;
}

/** All zero where `count` is: JSON has no NaN. */
export interface Percentiles {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface ScenarioReport {
  readonly name: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly duration: Percentiles;
  readonly steps: readonly StepReport[];
}

export interface StepReport {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Partial<Record<ErrorCategory, number>>>;
  readonly assertions: { readonly passed: number; readonly failed: number };
  readonly extractionsFailed: number;
  readonly resent: number;
  readonly response: Percentiles;
  readonly service: Percentiles;
  readonly lateness: Percentiles;
}

export interface BooksReport extends Readonly<Books> {
  /** Arrivals of the whole schedule up to the end of the run, or up to its stop; all of one that never began; null for closed load models. */
  readonly planned: number | null;
  /** What `heldUserMs` is a part of: users times the duration; null for open load models. */
  readonly plannedUserMs: number | null;
  readonly unanswered: number;
  /** Both lines add up. False is a bug of ours or a run that has not ended. */
  readonly balanced: boolean;
}

export interface NodeReport {
  readonly node: string;
  readonly session: string;
  readonly region: string;
  /** Counted; after the end of the load there are more of them, as long as iterations are in flight. */
  readonly intervals: number;
  /** How much of the run's time its measurements cover: never more than `run.durationMs`. */
  readonly countedMs: number;
  /** aborted: the run ended before this node's last interval; what is missing of it is in `lost`. */
  readonly state: 'finished' | 'running' | 'lost' | 'aborted';
  readonly lost: { readonly fromMs: number; readonly toMs: number; readonly arrivals: number | null } | null;
  readonly clockErrorMs: number | null;
  readonly startedLateMs: number | null;
  /** This node's part of the books; what is lost with the node itself stands in `lost`. */
  readonly books: Readonly<Books>;
}
