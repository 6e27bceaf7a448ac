import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const logger = new URL('../../../node/src/lib/logger.ts', import.meta.url).href;
const run = (format: string): string => `import { createLog } from ${JSON.stringify(logger)};
const log = createLog({ level: 'info', format: '${format}', fields: () => ({ node: 'a', term: 3, run: 'run-1' }) });
log.warn({ address: '10.0.0.2:7000', peer: 'b' }, 'lost');
log.error({ error: new Error('boom'), deadlineMs: 8186.9882069937885 }, 'failed');`;

async function linesOf(format: string): Promise<readonly string[]> {
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', run(format)]);
  return stderr.trimEnd().split('\n');
}

it('a line of the log for people is one line, with all that is known', async () => {
  const [lost, failed, ...more] = await linesOf('text');
  expect(lost).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: lost \(address 10\.0\.0\.2:7000, peer b\) · node a, term 3, run-1$/,
  );
  expect(failed).toMatch(/ERROR: failed \(error boom, deadline 8187 ms\) · node a, term 3, run-1$/);
  expect(more).toEqual([]);
});

it('an error is written for machines with what it says and where it was', async () => {
  const [, failed] = await linesOf('json');
  expect(JSON.parse(failed!)).toMatchObject({
    node: 'a',
    deadlineMs: 8187,
    error: { message: 'boom', stack: expect.stringContaining('Error: boom') as string },
  });
});
