import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../node/src/lib/exit-codes.ts';

/** The README's commands, run as they stand; examples/minimal.yaml aims at the shop's address, so something answers there. */
const readme = readFileSync('README.md', 'utf8');
const marked = /<!-- run by test\/e2e\/readme\.test\.ts -->\s+```sh\n([\s\S]*?)```/.exec(readme);
const commands = (marked?.[1] ?? '').split('\n').filter((line) => line.trim() !== '');

let target: Server;
beforeAll(async () => {
  target = createServer((_request, response) => response.end('{"items":[]}'));
  await new Promise<void>((resolve, reject) => {
    target.on('error', reject);
    target.listen(18_080, '127.0.0.1', resolve);
  });
});
afterAll(() => target.close());

describe('README.md', () => {
  it('has commands to run', () => {
    expect(commands.length).toBeGreaterThan(1);
  });

  it.each(commands)('%s', { timeout: 60_000 }, async (command) => {
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    // A busy machine may send a few of the fifty requests late; the command has worked all the same, and says so.
    expect(code, text).toBe(text.includes('GENERATOR-LIMITED') ? exitCodes.generatorLimited : exitCodes.ok);
    if (command.includes(' run ')) expect(text).toContain('planned 50 = 50 fired');
  });

  it('names only scripts and files that exist', () => {
    const paths = [...readme.matchAll(/(?:scripts|examples|docs)\/[\w./-]*\w/g)].map((match) => match[0]);
    for (const path of new Set(paths)) expect(() => readFileSync(path), path).not.toThrow(/ENOENT/);
  });
});
