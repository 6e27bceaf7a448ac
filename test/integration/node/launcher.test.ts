import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const launcher = new URL('../../../node/bin/tutti', import.meta.url).pathname;
// Ends the process before the program begins, and says what it was started with.
const say = 'data:text/javascript,process.stdout.write(process.env.UV_THREADPOOL_SIZE);process.exit()';

async function poolSize(set: Record<string, string>): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: `--import=${say}`, ...set };
  if (set['UV_THREADPOOL_SIZE'] === undefined) delete env['UV_THREADPOOL_SIZE'];
  const { stdout } = await promisify(execFile)(launcher, [], { env });
  return stdout;
}

describe('the launcher', () => {
  it('gives the disk more threads than a few hanging name lookups can take', async () => {
    expect(await poolSize({})).toBe('16');
  });

  it('leaves the number to who sets it', async () => {
    expect(await poolSize({ UV_THREADPOOL_SIZE: '6' })).toBe('6');
  });
});
