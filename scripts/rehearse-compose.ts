import { type ProfileName, profiles } from '../test/support/docker/profiles.ts';
import { rehearse } from '../test/support/docker/rehearsal.ts';
import { Unavailable } from '../test/support/unavailable.ts';

/** docker-compose.yml for real, one profile after the other; ends with 1 if something is not as it should be. */
const known = Object.keys(profiles) as ProfileName[];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name as ProfileName));
if (unknown.length > 0) {
  console.error(`scripts/rehearse-compose: unknown profile ${unknown.join(' ')} (there are ${known.join(' and ')})`);
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
  for (const name of wanted.length === 0 ? known : (wanted as ProfileName[])) {
    const startedMs = performance.now();
    console.log(`== profile ${name}`);
    await rehearse(name, (line) => console.log(line), interrupted.signal);
    console.log(`== profile ${name}: all as it should be, in ${Math.round((performance.now() - startedMs) / 1000)} s`);
  }
} catch (error) {
  if (interrupted.signal.aborted) process.exit(130);
  const isUnavailable = error instanceof Unavailable;
  console.error(isUnavailable ? `NOT CHECKED: ${error.message}` : error);
  process.exitCode = isUnavailable && !process.env.CI ? 0 : 1;
}
