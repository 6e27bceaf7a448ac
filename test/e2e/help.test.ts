import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { freePorts } from '../support/ports.ts';
import { run, tutti } from './support/tutti.ts';

const directory = mkdtempSync(join(tmpdir(), 'tutti-help-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The example lines of a help text, a backslash at the end of one taken as a shell takes it. */
async function examplesOf(...command: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await tutti([...command, '--help']);
  const examples = /\nExamples?[^\n]*:\n((?: {2}.*\n)+)/.exec(stdout)?.[1] ?? '';
  return examples
    .replaceAll(/ \\\n */g, ' ')
    .split('\n')
    .map((line) => line.replace(/ {4,}.*/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('('));
}

/** In a shell, where `tutti` is the launcher. */
const shell = (command: string): ReturnType<typeof run> =>
  run('sh', ['-c', command.replaceAll(/\btutti (?=[a-z])/g, `node/bin/tutti `)]);

describe('the examples of the help texts', () => {
  it('of tutti node: as printed it starts, and makes its data directory', async () => {
    const lines = (await examplesOf('node')).join('\n');
    expect(lines).toContain('tutti node --node-id a');
    const [raft, raftB, raftC, api] = await freePorts(4);
    const own = [
      ['127.0.0.1:7001', `127.0.0.1:${raft}`],
      ['127.0.0.1:7002', `127.0.0.1:${raftB}`],
      ['127.0.0.1:7003', `127.0.0.1:${raftC}`],
      ['127.0.0.1:8081', `127.0.0.1:${api}`],
      ['/tmp/tutti/', `${directory}/tutti/`],
    ] as const;
    const command = own.reduce((text, [printed, here]) => {
      expect(text).toContain(printed);
      return text.replaceAll(printed, here);
    }, lines);
    const child = spawn('sh', ['-c', command.replace('tutti node', 'exec node/bin/tutti node')], { stdio: 'pipe' });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const closed = once(child, 'close');
    try {
      await waitFor(
        'the API of the node',
        20_000,
        async () => (await fetch(`http://127.0.0.1:${api}/health`)).ok,
        () => (child.exitCode === null ? null : `it ended: ${output}`),
      );
    } finally {
      child.kill('SIGTERM');
      await closed;
    }
  });

  it.each([[], ['run'], ['submit'], ['reload']].map((command) => [command]))(
    'of tutti %j are commands that it knows',
    async (command) => {
      const examples = await examplesOf(...command);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        const ended = await shell(`${example.replace(/ >.*/, '')} --help`);
        expect(ended.stdout, example).toMatch(/^Usage: tutti (validate|run|node|submit|reload) /);
      }
    },
  );
});
