import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const logger = new URL('../../../node/src/lib/logger.ts', import.meta.url).href;
const script = `import { createLog } from ${JSON.stringify(logger)};
const log = createLog({ level: 'info', format: 'text', fields: () => ({ node: 'a', term: 3, run: 'run-1' }) });
log.warn({ address: '10.0.0.2:7000', peer: 'b' }, 'lost');
log.info({}, 'node is up');`;

it('a line of the log for people is one line, with all that is known', async () => {
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const lines = stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  for (const part of ['WARN', 'lost', '"node":"a"', '"term":3', '"run":"run-1"', '"peer":"b"'])
    expect(lines[0]).toContain(part);
});
