/**
 * What the Rust tool's schema has (rust-loadtest.md 1) and this version does not, and what a plan will have: refused by name, so
 * that nobody believes a key has an effect that it has not. `at` is a path with [] for any index; a value of `type` or `model` follows an =.
 */
export const notSupported: readonly { readonly at: string; readonly what: string; readonly instead: string }[] = [
  { at: 'thresholds', what: 'thresholds', instead: 'judge by the JSON of the result (--out, tutti result --json)' },
  { at: 'standby', what: 'standby load', instead: 'remove it; nodes idle between runs' },
  {
    at: 'config.pool.metricsReuseThresholdMs',
    what: 'guessing connection reuse from latency',
    instead: 'remove it; reuse needs no guess here',
  },
  {
    at: 'config.pool.newConnectionThresholdMs',
    what: 'guessing connection reuse from latency',
    instead: 'remove it; reuse needs no guess here',
  },
  { at: 'load.model=ramp', what: 'the ramp model', instead: 'use model rps or concurrent' },
  { at: 'load.model=dailytraffic', what: 'the dailytraffic model', instead: 'use model rps or concurrent' },
  { at: 'scenarios[].dataFile', what: 'data files', instead: 'write the values into the steps' },
  {
    at: 'scenarios[].config',
    what: 'settings of one scenario',
    instead: 'use config.timeout for all scenarios; there are no retries',
  },
  {
    at: 'scenarios[].steps[].cache',
    what: 'caching the values of a step',
    instead: 'remove it; the step is sent in each iteration',
  },
  {
    at: 'scenarios[].steps[].extract[].type=regex',
    what: 'extraction by regex',
    instead: 'use type jsonPath where the body is JSON',
  },
  {
    at: 'scenarios[].steps[].extract[].type=header',
    what: 'extraction from a header',
    instead: 'use type jsonPath where the body is JSON',
  },
  {
    at: 'scenarios[].steps[].extract[].type=cookie',
    what: 'extraction from a cookie',
    instead: 'use type jsonPath where the body is JSON',
  },
];

/** The message for a key or value that stands in the table, or null. */
export function notSupportedMessage(path: readonly (string | number)[], value?: string): string | null {
  const key = path.map((part) => (typeof part === 'number' ? '[]' : `.${part}`)).join('');
  const at = key.slice(1) + (value === undefined ? '' : `=${value}`);
  const entry = notSupported.find((candidate) => candidate.at === at);
  if (entry === undefined) return null;
  const written = value ?? String(path.at(-1));
  return `"${written}" (${entry.what}) is not supported yet; ${entry.instead}`;
}
