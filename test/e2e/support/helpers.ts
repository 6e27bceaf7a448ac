import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import type { Pause } from './standstill.ts';

const hasTaskset = spawnSync('taskset', ['-c', '0', 'true']).status === 0;

export interface Hits {
  readonly overflowed: boolean;
  readonly numbers: readonly number[];
  readonly instantsMs: readonly number[];
  /** When the target itself stood still. */
  readonly pauses: readonly Pause[];
}

/** The recording target as a process of its own (support/recorder.ts). */
export async function startRecorder(): Promise<{
  readonly baseUrl: string;
  hits(): Promise<Hits>;
  stop(): Promise<void>;
}> {
  const child = fork('test/e2e/support/recorder.ts', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const { port } = (await messageOf(child)) as { port: number };
  const baseUrl = `http://127.0.0.1:${port}`;
  return { baseUrl, hits: async () => (await (await fetch(`${baseUrl}/dump`)).json()) as Hits, stop: () => end(child) };
}

/** Enough for the compiler; `warmUpAtOnce` connections at a time. */
const warmUpRequests = 2_000;
const warmUpAtOnce = 50;

/** A recorder's first answers are slow until its code is compiled, for which no load is to blame. Notes no hit. */
export async function warmUpRecorder(baseUrl: string): Promise<void> {
  for (let sent = 0; sent < warmUpRequests; sent += warmUpAtOnce) {
    await Promise.all(Array.from({ length: warmUpAtOnce }, async () => (await fetch(`${baseUrl}/warm-up`)).text()));
  }
}

/**
 * The idle witnesses of the machine's own pauses (support/witness.ts), one held to each core where `taskset` can: a core that stands
 * still, because the machine below gave it to others, is not seen from another one. Lists of each.
 */
export function startWitness(): { pauses(): Promise<readonly (readonly Pause[])[]>; stop(): Promise<void> } {
  const script = 'test/e2e/support/witness.ts';
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const start = (core: number): ChildProcess =>
    hasTaskset
      ? fork(script, { stdio: [...stdio], execPath: 'taskset', execArgv: ['-c', String(core), process.execPath] })
      : fork(script, { stdio: [...stdio] });
  const children = Array.from({ length: hasTaskset ? cpus().length : 1 }, (_, core) => start(core));
  const pausesOf = async (child: ChildProcess): Promise<readonly Pause[]> => {
    const answer = messageOf(child);
    child.send('pauses');
    return ((await answer) as { pauses: readonly Pause[] }).pauses;
  };
  return {
    pauses: () => Promise.all(children.map(pausesOf)),
    async stop() {
      await Promise.all(children.map(end));
    },
  };
}

/** The next message of a child, or the fact that it ended first. */
async function messageOf(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the helper process ended with ${String(code)}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
  return message;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

/** CLOCK_MONOTONIC in milliseconds, as the recorder and the witness note it. */
export const monotonicNowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
