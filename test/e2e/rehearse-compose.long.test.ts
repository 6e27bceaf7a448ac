import { expect, it } from 'vitest';
import { availableOrSkip } from '../support/available.ts';
import { type ProfileName, profiles } from '../support/docker/profiles.ts';
import { rehearse } from '../support/docker/rehearsal.ts';
import { buildTimeoutMs } from '../support/go-build.ts';

/** Of docker-compose.yml. */
const graceMs = 30_000;
const names = Object.keys(profiles) as ProfileName[];
/** For what must be built or made before anything can run. */
const timeout = buildTimeoutMs + 600_000;

it.for(names)('docker-compose.yml, profile %s, on a real engine', { timeout }, async (name, context) => {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const rehearsed = await availableOrSkip(context, () => rehearse(name, say, new AbortController().signal));
  expect(rehearsed.imageBytes).toBeLessThan(60e6);
  expect(rehearsed.stoppedAfterMs).toBeLessThan(graceMs / 2);
});
