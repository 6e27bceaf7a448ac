import { rehearseOutside } from '../test/cloud/rehearsal/outside.ts';
import { Unavailable } from '../test/support/unavailable.ts';

/** infra/ for real, but for Google; ends with 1 if something is not as it should be. */
if (process.argv.length > 2) {
  console.error('scripts/rehearse-cloud: takes no arguments');
  process.exit(2);
}
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.error(`${signal}: taking all down ...`);
    interrupted.abort(new Error('interrupted'));
  });
}
try {
  const startedMs = performance.now();
  await rehearseOutside({ say: (line) => console.log(line), signal: interrupted.signal });
  console.log(`all as it should be, in ${Math.round((performance.now() - startedMs) / 1000)} s`);
} catch (error) {
  if (interrupted.signal.aborted) process.exit(130);
  const isUnavailable = error instanceof Unavailable;
  console.error(isUnavailable ? `NOT CHECKED: ${error.message}` : error);
  process.exitCode = isUnavailable && !process.env.CI ? 0 : 1;
}
