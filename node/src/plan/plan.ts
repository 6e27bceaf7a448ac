/**
 * A parsed, validated test configuration: plain data, defaults filled in, durations in milliseconds. It crosses process
 * boundaries as it is (structured clone), so it holds no functions and no classes. `${name}` templates are still text.
 */
export interface Plan {
  readonly version: string;
  readonly metadata: PlanMetadata;
  readonly baseUrl: string;
  /** Of one request, from send to the last byte of the body. */
  readonly timeoutMs: number;
  readonly durationMs: number;
  /** concurrent: virtual users of the whole cluster. rps: bound on iterations in flight of the whole cluster; null: derived. */
  readonly workers: number | null;
  readonly skipTlsVerify: boolean;
  /** Sent with every request; a step's own header of the same name wins. */
  readonly headers: readonly NameValue[];
  /** Connect to this address instead of resolving the host. */
  readonly resolve: { readonly host: string; readonly address: string; readonly port: number } | null;
  readonly pool: { readonly maxIdlePerHost: number; readonly idleTimeoutMs: number };
  readonly load: Load;
  readonly scenarios: readonly Scenario[];
}

export interface PlanMetadata {
  readonly name: string | null;
  readonly description: string | null;
  readonly author: string | null;
  readonly tags: readonly string[];
  readonly tenant: string | null;
  readonly runId: string | null;
}

/** Rates are iterations per second of the whole cluster. */
export type Load =
  | { readonly model: 'concurrent' }
  | {
      readonly model: 'rps';
      readonly ratePerSecond: number;
      /** Of a plan that was changed while it was run (ADR 91), in the order of time; no text has any. */
      readonly changes?: readonly RateChange[];
    };

export interface RateChange {
  /** Run time. */
  readonly fromMs: number;
  readonly ratePerSecond: number;
  /** The number of the first arrival at or after `fromMs`. */
  readonly firstIndex: number;
  /** How many arrivals the rates before come to at `fromMs`, with the fraction that is under way: at most `firstIndex`. */
  readonly base: number;
}

export interface NameValue {
  readonly name: string;
  readonly value: string;
}

export interface Scenario {
  readonly name: string;
  readonly weight: number;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly name: string;
  readonly method: Method;
  /** Relative to baseUrl, or a whole http(s) URL. Template. */
  readonly path: string;
  /** Values are templates; percent-encoded after substitution. */
  readonly queryParams: readonly NameValue[];
  /** Values are templates. */
  readonly headers: readonly NameValue[];
  /** Template. */
  readonly body: string | null;
  /** Random alphanumeric bytes, new for each request; never together with `body`. */
  readonly bodyBytes: number | null;
  readonly extract: readonly Extraction[];
  readonly assertions: readonly Assertion[];
  /** Uniform in [minMs, maxMs], after a step that succeeded. */
  readonly thinkTime: { readonly minMs: number; readonly maxMs: number } | null;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

/** RFC 9535; must match exactly one node. */
export interface Extraction {
  readonly type: 'jsonPath';
  readonly name: string;
  readonly jsonPath: string;
}

export type Assertion =
  | { readonly type: 'statusCode'; readonly expected: number }
  | { readonly type: 'responseTime'; readonly maxMs: number }
  /** `expected` null: the path exists. Template. */
  | { readonly type: 'jsonPath'; readonly path: string; readonly expected: string | null }
  | { readonly type: 'bodyContains'; readonly text: string }
  | { readonly type: 'bodyMatches'; readonly regex: string }
  | { readonly type: 'headerExists'; readonly header: string };

/** One thing wrong with a plan, where it stands and what to do. Lines and columns count from 1. */
export interface PlanProblem {
  readonly line: number;
  readonly column: number;
  /** Dotted, with indexes: scenarios[0].steps[1].request.method; empty for the document itself. */
  readonly field: string;
  readonly message: string;
}

export type PlanParseResult =
  { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly problems: readonly PlanProblem[] };
