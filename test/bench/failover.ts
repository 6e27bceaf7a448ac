// How long writes stand still when the leader goes, by kill, pause and stop in order, over 3 key-value nodes on loopback:
//   scripts/with-node test/bench/failover.ts [rounds, 100]
// From the fault to the next write that succeeds, of a client that tries again every 2 ms. JSON on standard output.
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { KeyValueNode, type Status } from '../integration/key-value/node.ts';

const RETRY_MS = 2;
const PATIENCE_MS = 20_000;
const faults = ['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const;
type Fault = (typeof faults)[number];

const rounds = Number(process.argv[2] ?? 100);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('usage: failover.ts [rounds, at least 1]');
const directory = mkdtempSync(join(tmpdir(), 'failover-bench-'));
const nodes = ['a', 'b', 'c'].map((id, at) => `${id}=127.0.0.1:${17_760 + at}`).join(',');
const running = new Map<string, KeyValueNode>();
const keepAlive = new Agent({ keepAlive: true });

const start = async (id: string): Promise<void> => void running.set(id, await KeyValueNode.start(id, nodes, directory));

/** By its log: two survivors that do not reach each other could elect nobody. */
function reachesBoth({ output }: KeyValueNode): boolean {
  const count = (message: string): number => output.split(`"message":"${message}`).length - 1;
  return count('connected"') - count('lost: ') === 2;
}

/** All three agree on who leads and have applied the same: the fault meets a cluster that is whole. */
function settled(): Promise<KeyValueNode> {
  return waitFor('three nodes to agree', PATIENCE_MS, async () => {
    const all: Status[] = await Promise.all([...running.values()].map((node) => node.status()));
    const isWhole = all.every(({ membership }) => membership?.unmet === 0) && [...running.values()].every(reachesBoth);
    const same = (of: (status: Status) => unknown): boolean => new Set(all.map(of)).size === 1;
    if (!isWhole || !same(({ leaderId }) => leaderId) || !same(({ appliedIndex }) => appliedIndex)) return false;
    return running.get(all.find(({ leading }) => leading)?.nodeId ?? '') ?? false;
  });
}

/** True once the node has acknowledged the write; any refusal, and a node that is gone, is tried again. */
function write(url: string, value: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(
      `${url}/keys/failover`,
      { method: 'PUT', agent: keepAlive, timeout: PATIENCE_MS },
      (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode === 200));
      },
    );
    sent.on('error', () => resolve(false)).end(value);
  });
}

/**
 * Begins an attempt every 2 ms, at the survivors in turn, without waiting for those before: one that was forwarded to the lost
 * leader hangs until that is known, and a client with one connection would measure its own patience.
 */
async function untilWritten(survivors: readonly KeyValueNode[], value: string): Promise<number> {
  const fromMs = performance.now();
  const tookMs: number[] = [];
  for (let attempt = 0; tookMs.length === 0; attempt += 1) {
    if (performance.now() - fromMs > PATIENCE_MS) throw new Error(`no write succeeded within ${PATIENCE_MS} ms`);
    void write(survivors[attempt % survivors.length]!.url, value).then((isWritten) => {
      if (isWritten) tookMs.push(performance.now() - fromMs);
    });
    await delay(RETRY_MS);
  }
  return tookMs[0]!;
}

async function round(fault: Fault, number: number): Promise<number> {
  let leader = await settled();
  // A busy machine may cost it its leadership meanwhile.
  while (!(await write(leader.url, 'before'))) leader = await settled();
  const survivors = [...running.values()].filter((node) => node !== leader);
  leader.signal(fault);
  const tookMs = await untilWritten(survivors, `${fault} ${number}`);
  if (fault === 'SIGSTOP') leader.signal('SIGCONT');
  else {
    await leader.ended();
    await start(leader.id);
  }
  return tookMs;
}

const figures: Record<string, Record<string, number>> = {};
const loadBefore = loadavg()[0]!;
try {
  await Promise.all(['a', 'b', 'c'].map(start));
  for (const fault of faults) {
    const tookMs: number[] = [];
    for (let number = 0; number < rounds; number += 1) tookMs.push(await round(fault, number));
    tookMs.sort((x, y) => x - y);
    const quantile = (q: number): number => Math.round(tookMs[Math.min(rounds - 1, Math.floor(q * rounds))]! * 10) / 10;
    figures[fault] = { p50Ms: quantile(0.5), p90Ms: quantile(0.9), p99Ms: quantile(0.99), maxMs: quantile(1) };
  }
  console.log(JSON.stringify({ rounds, retryMs: RETRY_MS, loadBefore, loadAfter: loadavg()[0], faults: figures }));
} finally {
  keepAlive.destroy();
  // A stopped process takes SIGKILL, too.
  await Promise.all([...running.values()].map((node) => node.kill()));
  rmSync(directory, { recursive: true });
}
