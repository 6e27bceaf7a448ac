/** Bounds of the HTTP client. A target is not trusted: no answer may cost more memory than these. */
export const httpLimits = {
  /** Status line, headers, trailers and 1xx answers of one response together; four times what Node's own parser allows. */
  headBytes: 64 * 1024,
  /** The part of a body that extractions and assertions see; the rest is counted and dropped. */
  keptBodyBytes: 1024 * 1024,
  /** Origins that exist only because a variable named them; each may hold idle connections. */
  dynamicOrigins: 1000,
  /** A failed name lookup is remembered so long: a dead resolver must not get a query per request. */
  lookupFailureMs: 1000,
  /** One read of a socket; larger reads gain nothing over loopback and 10 Gbit/s (load-testing.md 3b). */
  readBytes: 64 * 1024,
} as const;
