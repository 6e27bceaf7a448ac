import type { Histogram } from './histogram.ts';

/**
 * What was measured, by scenario and step, in the order of the plan: merging is adding, position by position. All times in
 * microseconds.
 */
export interface Measurements {
  readonly scenarios: readonly ScenarioMeasurements[];
}

export interface ScenarioMeasurements {
  /** Iterations by outcome: every step succeeded, or a step failed. */
  succeeded: number;
  failed: number;
  /** Of finished iterations, think time included. */
  readonly durationUs: Histogram;
  readonly steps: readonly StepMeasurements[];
}

export interface StepMeasurements {
  /** Requests that ended: answered with a whole response, or failed. */
  requests: number;
  /** Of these, how many did not count as a success (transport error, 4xx/5xx, failed assertion). */
  failed: number;
  /** Responses by status code. */
  readonly statuses: Map<number, number>;
  readonly errors: Map<ErrorCategory, number>;
  assertionsPassed: number;
  assertionsFailed: number;
  extractionsFailed: number;
  /** Requests sent a second time, because the target had closed the kept connection under them; counted in `requests` once. */
  resent: number;
  bytesSent: number;
  bytesReceived: number;
  /** From the planned start to the last byte of the answer; answered requests only. */
  readonly responseUs: Histogram;
  /** From the send to the last byte; answered requests only. */
  readonly serviceUs: Histogram;
  /** From the planned start to the send; of all requests sent, answered or not. */
  readonly latenessUs: Histogram;
}

/** One cause per failed request: transport first, then the answer itself, then what the plan asserted, then ourselves. */
export const errorCategories = [
  'dns_error',
  'connect_error',
  'tls_error',
  'timeout_error',
  'reset_error',
  'protocol_error',
  'client_error',
  'server_error',
  'assertion_failed',
  'template_error',
  'local_error',
] as const;
export type ErrorCategory = (typeof errorCategories)[number];

/**
 * The books, in iterations. planned = fired + dropped + notFired + lost, and fired = answered + failed + unanswered, where
 * unanswered is what was in flight at the last cut. For closed load models `planned` does not exist: only the second line.
 */
export interface Books {
  fired: number;
  /** Not started because the bound on iterations in flight was reached. */
  dropped: number;
  /** Not started because the instant passed beyond the horizon, or before a late join. */
  notFired: number;
  /** Not started because a generator died (closed models: one for each of its users); a lost node's are reckoned at the end. */
  lost: number;
  answered: number;
  failed: number;
  /**
   * Whole milliseconds that users of a closed model were ready and held back (by the horizon, or before a late join), all
   * users together. How many iterations that cost nobody knows, so it stands in neither line.
   */
  heldUserMs: number;
}

export const emptyBooks = (): Books => ({
  fired: 0,
  dropped: 0,
  notFired: 0,
  lost: 0,
  answered: 0,
  failed: 0,
  heldUserMs: 0,
});

/** One second of a run's measurements from one source (generator, or node after merging its generators). */
export interface Cut {
  /** Run second: arrivals planned in [number, number + 1) s are decided in it. */
  readonly number: number;
  /** Nothing comes after it. */
  readonly final: boolean;
  readonly books: Books;
  /** Iterations in flight at the cut. */
  readonly inFlight: number;
  readonly measurements: Measurements;
}

/** The text form of Measurements: JSON-able, histograms as base64 of their sparse encoding (results/encoding.ts). */
export type EncodedMeasurements = readonly EncodedScenario[];
export interface EncodedScenario {
  readonly ok: number;
  readonly failed: number;
  readonly duration: string;
  readonly steps: readonly EncodedStep[];
}
export interface EncodedStep {
  readonly n: number;
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Partial<Record<ErrorCategory, number>>>;
  readonly assertions: readonly [passed: number, failed: number];
  readonly extractionsFailed: number;
  /** Left out when zero. */
  readonly resent?: number;
  readonly bytes: readonly [sent: number, received: number];
  readonly response: string;
  readonly service: string;
  readonly lateness: string;
}
export interface EncodedCut {
  readonly number: number;
  readonly final: boolean;
  readonly books: Readonly<Books>;
  readonly inFlight: number;
  readonly measurements: EncodedMeasurements;
}
