import { expect, it } from 'vitest';
import { rehearseOutside } from '../cloud/rehearsal/outside.ts';
import { availableOrSkip } from '../support/available.ts';
import { buildTimeoutMs } from '../support/go-build.ts';

/** For what must be built before anything can run: the engine, its language host and a fake-gcs-server. */
const timeout = 3 * buildTimeoutMs + 600_000;

it(
  'infra/ with the real engine, on machines that are namespaces, from nothing to nothing',
  { timeout },
  async (context) => {
    const lines: string[] = [];
    const say = (line: string): void => {
      lines.push(line);
      process.stdout.write(`${line}\n`);
    };
    await availableOrSkip(context, () => rehearseOutside({ say, signal: new AbortController().signal }));
    expect(lines.at(-1)).toContain('is left');
  },
);
