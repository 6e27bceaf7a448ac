/**
 * Bounds of a plan. Each is far above what a real plan needs and low enough that the cluster can carry the worst plan
 * that passes; docs/plan.md states them.
 */
export const planLimits = {
  /** A plan travels in one log entry and one message; real plans are a few KB. */
  textBytes: 1024 * 1024,
  /** Deep enough for any plan (the schema has nine levels), far below where a recursive walk would exhaust the stack. */
  nestingDepth: 64,
  /** Words and signs of YAML. The parser takes about 10 us for each, on the thread that also keeps the leader's heartbeats. */
  lexemes: 150_000,
  /** Values of the document with every alias written out: stops "billion laughs" documents before they are built. */
  values: 50_000,
  /** Nobody repairs more than this in one go, and the text has to fit into an HTTP answer. */
  problems: 100,
  scenarios: 100,
  stepsPerScenario: 100,
  /** Each step keeps histograms on every node and in every snapshot: about 200 KB per step at worst. */
  stepsInAll: 500,
  /** Of headers, query parameters, extractions and assertions of one step, and of tags. */
  itemsPerList: 100,
  /** A node tells its timers in 32 bits of milliseconds, which end after 24.8 days. */
  durationMs: 24 * 86_400_000,
  timeoutMs: 3_600_000,
  thinkTimeMs: 86_400_000,
  /** A ceiling against slips of the keyboard: ten million iterations per second need a hundred cores. */
  ratePerSecond: 10_000_000,
  /** One iteration in about 17 minutes; below that, count is a better word than rate. */
  ratePerSecondMin: 0.001,
  workers: 10_000,
  weight: 1_000_000,
  /** Made anew for each request in the generator's memory. */
  bodyBytes: 100 * 1024 * 1024,
  poolIdlePerHost: 100_000,
  poolIdleTimeoutSecs: 86_400,
  /** Different ones in a plan. Compiling the worst takes 12 ms, on the thread that also keeps the leader's heartbeats. */
  regexes: 100,
  /** Regular expressions and JSONPaths: parsers of both take time that grows fast with nesting. */
  expressionLength: 1000,
  nameLength: 200,
  /** Servers refuse request lines of more than 8 KB or thereabouts. */
  pathLength: 8192,
} as const;
