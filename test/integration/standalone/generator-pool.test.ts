import { mkdtempSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGeneratorPool } from '../../../node/src/agent/generator-pool.ts';
import type { Generators } from '../../../node/src/agent/generators.ts';
import { monotonicMs, systemClock } from '../../../node/src/lib/clock.ts';
import type { EncodedCut } from '../../../node/src/results/measurements.ts';
import { openTarget, planFor, recordingLog } from './target.ts';

/** A slow machine may take so long for what a fast one does at once. */
const patienceMs = 20_000;

let target: Awaited<ReturnType<typeof openTarget>>;
let open: Generators[] = [];
beforeEach(async () => {
  target = await openTarget();
});
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
  open = [];
  await target.close();
});

interface Pool {
  readonly generators: Generators;
  readonly cuts: EncodedCut[];
  readonly faults: string[];
  readonly startedLateMs: number[];
  readonly log: ReturnType<typeof recordingLog>;
}

function pool(of: {
  count: number;
  entry?: string;
  niceCommand?: string;
  seconds?: number;
  prepareTimeoutMs?: number;
  maxSilentLooks?: number;
  /** Called in the very turn in which the first second is merged: the next one is then a second away on any machine. */
  onFirstCut?: () => void;
}): Pool {
  const cuts: EncodedCut[] = [];
  const faults: string[] = [];
  const startedLateMs: number[] = [];
  const log = recordingLog();
  const { count, entry, maxSilentLooks, niceCommand } = of;
  const create = createGeneratorPool({
    count,
    clock: systemClock,
    log,
    ...(entry === undefined ? {} : { entry }),
    ...(niceCommand === undefined ? {} : { niceCommand }),
    ...(maxSilentLooks === undefined ? {} : { maxSilentLooks }),
  });
  const { plan } = planFor(target.port, { seconds: of.seconds ?? 2 });
  const generators = create(
    { plan, seed: 1, slot: 'me', prepareTimeoutMs: of.prepareTimeoutMs ?? 20_000 },
    {
      onStarted: (lateMs) => startedLateMs.push(lateMs),
      onCut: (cut) => {
        if (cuts.push(cut) === 1) of.onFirstCut?.();
      },
      onFault: (message) => faults.push(message),
    },
  );
  open.push(generators);
  return { generators, cuts, faults, startedLateMs, log };
}

/** Our children, by what they run. */
function children(entry = 'generator/main.ts'): readonly number[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' }).split(
    '\n',
  );
  return lines.filter((line) => line.includes(entry)).map((line) => Number(line.trim().split(/\s+/)[0]));
}

function go({ generators }: Pool, seconds: number): void {
  generators.setTables([{ fromMs: 0, slots: ['me'] }]);
  generators.setHorizon(seconds * 1_000);
  generators.start(monotonicMs() + 100);
}

const entryOf = (code: string): string => {
  const entry = join(mkdtempSync(join(tmpdir(), 'tutti-pool-')), 'entry.mjs');
  writeFileSync(entry, code);
  return entry;
};

describe('the generator pool', () => {
  it('runs generators at a lower priority, merges their seconds, and leaves no process behind', async () => {
    const running = pool({ count: 2 });
    expect(await running.generators.prepare()).toEqual({ ok: true, generators: 2 });
    const pids = children();
    expect(pids).toHaveLength(2);
    for (const pid of pids) expect(getPriority(pid)).toBe(Math.min(19, getPriority() + 10));
    go(running, 2);
    running.generators.drain(2_000, 4_000);
    await vi.waitFor(() => expect(running.cuts.at(-1)?.final).toBe(true), patienceMs);
    expect(running.cuts.map((cut) => cut.number)).toEqual(running.cuts.map((_, index) => index));
    expect(running.cuts.reduce((sum, cut) => sum + cut.books.fired, 0)).toBe(100);
    expect(target.requests()).toBe(100);
    expect(running.startedLateMs).toHaveLength(2);
    await running.generators.close();
    expect(children()).toEqual([]);
    expect(running.faults).toEqual([]);
  });

  it('goes on with the others when one is killed, and counts its arrivals as lost', async () => {
    let pids: readonly number[] = [];
    const running = pool({ count: 2, seconds: 4, onFirstCut: () => process.kill(pids[0]!, 'SIGKILL') });
    await running.generators.prepare();
    pids = children();
    go(running, 4);
    await vi.waitFor(() => expect(running.faults).toHaveLength(1), patienceMs);
    expect(running.faults[0]).toContain('is gone (signal SIGKILL)');
    expect(running.generators.living()).toBe(1);
    running.generators.drain(4_000, 6_000);
    await vi.waitFor(() => expect(running.cuts.at(-1)?.final).toBe(true), patienceMs);
    const sum = (of: 'fired' | 'lost' | 'notFired'): number =>
      running.cuts.reduce((total, cut) => total + cut.books[of], 0);
    expect(sum('lost')).toBe(75);
    expect(sum('fired')).toBe(125);
    expect(sum('notFired')).toBe(0);
  });

  it('ends one that hangs, so that the seconds of the others do not wait for it for ever', async () => {
    let pids: readonly number[] = [];
    const onFirstCut = (): void => void process.kill(pids[0]!, 'SIGSTOP');
    const running = pool({ count: 2, seconds: 8, maxSilentLooks: 2, onFirstCut });
    await running.generators.prepare();
    pids = children();
    go(running, 8);
    await vi.waitFor(() => expect(running.generators.living()).toBe(1), patienceMs);
    expect(running.faults).toEqual([
      'generator 1 of 2 hangs: its intervals do not come; ends it',
      'generator 1 of 2 is gone (signal SIGKILL)',
    ]);
    running.generators.drain(8_000, 10_000);
    await vi.waitFor(() => expect(running.cuts.at(-1)?.final).toBe(true), patienceMs);
    const sum = (of: 'fired' | 'lost' | 'notFired'): number =>
      running.cuts.reduce((total, cut) => total + cut.books[of], 0);
    expect(sum('lost')).toBeGreaterThan(0);
    expect(sum('fired') + sum('lost') + sum('notFired')).toBe(400);
  });

  it('says once when the priority cannot be lowered, and runs all the same', async () => {
    const running = pool({ count: 2, niceCommand: 'no-such-nice' });
    expect(await running.generators.prepare()).toEqual({ ok: true, generators: 2 });
    expect(running.log.lines.filter((line) => line.message.includes('no-such-nice'))).toHaveLength(1);
    expect(children()).toHaveLength(2);
  });

  it('goes on with a generator that could not warm up, and says why', async () => {
    const entry = entryOf('process.on("message", () => process.send({ kind: "prepared", cold: "no socket" }));');
    const { generators, log } = pool({ count: 1, entry });
    expect(await generators.prepare()).toEqual({ ok: true, generators: 1 });
    expect(log.lines.filter(({ message }) => message.includes('could not warm up'))).toHaveLength(1);
  });

  it('gives up on generators that do not get ready in time, and ends them', async () => {
    const entry = entryOf('setInterval(() => undefined, 1000);');
    const { generators } = pool({ count: 2, entry, prepareTimeoutMs: 500 });
    expect(await generators.prepare()).toEqual({
      ok: false,
      step: 'prepare',
      message: '2 of 2 generators were not ready within 500 ms',
    });
    expect(children(entry)).toEqual([]);
  });

  it('names the end of a generator that cannot even start, with what it said in the log', async () => {
    const { generators, log } = pool({ count: 1, entry: entryOf('throw new Error("no such engine");') });
    expect(await generators.prepare()).toEqual({ ok: false, step: 'spawn generators', message: 'exit code 1' });
    await vi.waitFor(
      () => expect(log.lines.some((line) => line.message.includes('no such engine'))).toBe(true),
      patienceMs,
    );
  });
});
