import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { findChecker } from '../linearizability/check.ts';
import { isolation } from '../linearizability/isolation.ts';
import { directoryPrefix, sweep } from '../linearizability/leftovers.ts';
import { nemeses } from '../linearizability/nemeses/all.ts';
import type { Result } from '../linearizability/tally.ts';
import { availableOrSkip } from '../support/available.ts';

const program = join(import.meta.dirname, '../linearizability/run.ts');
/** What a busy machine may add to the seconds of a run: founding, recoveries, looking at the history. */
const slackMs = 240_000;
let directory: string;
let running: ChildProcess | null = null;

beforeEach(async (context) => {
  await availableOrSkip(context, isolation);
  await availableOrSkip(context, findChecker);
  directory = mkdtempSync(join(tmpdir(), 'linearizability-test-'));
}, slackMs);
afterEach(() => {
  running?.kill();
  rmSync(directory, { recursive: true, force: true });
});

function start(...flags: string[]): { child: ChildProcess; said: () => string; printed: () => string } {
  const kept = ['--keep', join(directory, 'kept')];
  const child = spawn(process.execPath, [program, ...kept, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  let [said, printed] = ['', ''];
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString()));
  return { child, said: () => said, printed: () => printed };
}

async function run(...flags: string[]): Promise<{ exitCode: number | null; result: Result; said: string }> {
  const { child, said, printed } = start(...flags);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (printed() === '') throw new Error(`no result:\n${said()}`);
  return { exitCode, result: JSON.parse(printed()) as Result, said: said() };
}

for (const transport of ['grpc', 'tcp']) {
  it(
    `five nodes over ${transport} stay linearizable under every kind of fault, and serve again after each`,
    { timeout: 60_000 + slackMs },
    async () => {
      const seed = String(Date.now() % 1_000_000);
      const { exitCode, result, said } = await run('--seconds', '60', '--seed', seed, '--transport', transport);
      // What was made when it failed, and how to repeat it.
      const account = `${said}\n${JSON.stringify(result, null, 2)}`;
      expect(result.verdict, account).toBe('linearizable');
      expect(exitCode).toBe(0);
      for (const { kind } of nemeses) expect([kind, (result.faults[kind] ?? 0) > 0]).toEqual([kind, true]);
      expect(result.delayedSyncs, account).toBeGreaterThan(0);
      expect(result.elections, account).toBeGreaterThan(1);
      // A round ends only when every node has answered and the clients have got on (episode.ts).
      expect(result.recoveriesMs.count, account).toBeGreaterThanOrEqual(nemeses.length);
      expect(result.operations.ok, account).toBeGreaterThan(50 * result.recoveriesMs.count);
      // Or the way of what nobody knows would not have been gone.
      expect(result.operations.unknown, account).toBeGreaterThan(0);
    },
  );
}

it(
  'a store whose reads skip the consensus is found out, and what is needed to look into it is kept',
  { timeout: 30_000 + slackMs },
  async () => {
    const { exitCode, result } = await run('--broken', 'stale-reads', '--faults', 'cut both ways', '--seconds', '5');
    expect([exitCode, result.verdict]).toEqual([1, 'not linearizable']);
    expect(result.replay).toContain(`--seed ${result.seed}`);
    // One page each; those of objects that lived during a fault show it.
    const pictures = result.violations.map(({ picture }) => readFileSync(picture, 'utf8'));
    expect(pictures.some((picture) => picture.includes('"Tag":"faults"'))).toBe(true);
    expect(readFileSync(join(result.kept!, 'history.jsonl'), 'utf8')).toContain('"outcome":"ok"');
    expect(existsSync(join(result.kept!, 'a.log'))).toBe(true);
  },
);

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  it(
    `${signal} in the middle of it leaves nothing behind, not even a node that was stopped`,
    { timeout: slackMs },
    async () => {
      const { child, said } = start('--faults', 'pause', '--seconds', '60');
      const isPaused = (): boolean => statesOf(child.pid!).includes('T');
      await waitFor(
        'a node to be stopped',
        slackMs,
        () => Promise.resolve(isPaused()),
        () => (child.exitCode === null ? null : said()),
      );
      child.kill(signal);
      const [exitCode] = (await once(child, 'close')) as [number | null];
      await waitFor('its processes to end', slackMs, () => Promise.resolve(statesOf(child.pid!).length === 0));
      if (signal === 'SIGINT') expect(exitCode).toBe(130);
      // Whoever is killed removes nothing himself; the next run does.
      else await sweep();
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith(directoryPrefix(child.pid!)))).toEqual([]);
    },
  );
}

/** The states of all processes of a run, as in proc(5): each names its directory. */
function statesOf(pid: number): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    try {
      if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(directoryPrefix(pid))) return [];
      return [/^State:\s+(\S)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))![1]!];
    } catch {
      // Gone between the two looks.
      return [];
    }
  });
}
