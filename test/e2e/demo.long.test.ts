import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RunReport } from '../../node/src/results/report.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';

/** What the user's own demo left. */
const usersResult = 'demo-result.json';
const touched = (): number | null => statSync(usersResult, { throwIfNoEntry: false })?.mtimeMs ?? null;
const usersBefore = touched();

const results = mkdtempSync(join(tmpdir(), 'tutti-result-'));
const resultFile = join(results, 'result.json');
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGTERM');
  expect(touched(), 'the result of the user’s own demo').toBe(usersBefore);
});
afterAll(() => rmSync(results, { recursive: true }));

function demo(...args: readonly string[]): {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
} {
  const child = spawn('scripts/demo', [...args, '--out', resultFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // What a user may have set for a node of another cluster.
    env: { ...process.env, NO_COLOR: '1', CLUSTER_ENABLED: 'false', CLUSTER_NODES: 'garbage' },
  });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, output: () => text, ended: once(child, 'close').then(([code]) => code as number | null) };
}

const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('tutti-demo-'));
const processesOf = (folder: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      // It ended while we looked.
      return false;
    }
  });

describe('scripts/demo', () => {
  it('kills the leader, goes on, and ends with a merged result whose books balance', { timeout: 120_000 }, async () => {
    const before = folders();
    const { output, ended } = demo();
    expect(await ended, output()).toBe(0);
    expect(output()).toMatch(/half-way: SIGKILL to [abc], the leader/);
    expect(output()).toMatch(/[abc] leads now/);
    expect(output()).toContain('The books balance: every planned iteration is accounted for.');
    const report = JSON.parse(readFileSync(resultFile, 'utf8')) as RunReport;
    expect(report.books).toMatchObject({ planned: 1200, balanced: true });
    expect(report.nodes).toHaveLength(3);
    expect(folders()).toEqual(before);
  });

  it('stops all it started on Ctrl-C', { timeout: 60_000 }, async () => {
    const before = folders();
    const { child, output, ended } = demo();
    await waitFor('the run to be on', 40_000, () => Promise.resolve(/running \d/.test(output())));
    const folder = folders().find((name) => !before.includes(name))!;
    expect(processesOf(folder).length).toBeGreaterThan(0);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(processesOf(folder)).toEqual([]);
    expect(existsSync(`${tmpdir()}/${folder}`)).toBe(false);
  });

  it('--keep leaves the nodes up and says how to reach and how to stop them', { timeout: 120_000 }, async () => {
    const { output, ended } = demo('--keep');
    expect(await ended, output()).toBe(0);
    const stop = /stop: +kill ([\d ]+); rm -r (\S+)/.exec(output());
    expect(stop, output()).not.toBeNull();
    const pids = stop![1]!.trim().split(' ').map(Number);
    try {
      const address = /node a: (http:\S+)/.exec(output())![1]!;
      expect((await fetch(`${address}/health/cluster`)).status).toBe(200);
      expect(pids).toHaveLength(4);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGTERM');
      await waitFor('the kept processes to end', 20_000, () =>
        Promise.resolve(pids.every((pid) => !existsSync(`/proc/${pid}`))),
      );
      rmSync(stop![2]!, { recursive: true, force: true });
    }
  });
});
