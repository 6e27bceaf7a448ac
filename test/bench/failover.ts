// How long writes stand still when the leader goes, by kill, pause and stop in order, over 3 nodes on loopback, ours beside etcd's:
//   scripts/with-node test/bench/failover.ts [rounds, 100]
// From the fault to the next write that succeeds, of a client that tries again every 2 ms; each member has served 400 writes
// before each fault. etcd with the heartbeat and the election
// timeout of our `lan`, 50 and 300 ms, and with the shortest it is happy with, 30 and 150. Rounds are interleaved. Needs Debian's
// etcd-server (3.4) on the PATH. JSON on standard output.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findEtcd } from './etcd/etcd-member.ts';
import type { Contender, Fault, Member } from './failover/contender.ts';
import { EtcdMembers } from './failover/etcd.ts';
import { OurMembers } from './failover/ours.ts';

const RETRY_MS = 2;
const PATIENCE_MS = 20_000;
/** To each member before the fault, by so many at a time. */
const WRITES_BEFORE = 400;
const WRITERS = 4;
const faults: readonly Fault[] = ['SIGKILL', 'SIGSTOP', 'SIGTERM'];

const rounds = Number(process.argv[2] ?? 100);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('usage: failover.ts [rounds, at least 1]');
const etcd = await findEtcd();
const directory = mkdtempSync(join(tmpdir(), 'failover-bench-'));

/**
 * Begins an attempt every 2 ms, at the survivors in turn, without waiting for those before: one that was forwarded to the lost
 * leader hangs until that is known, and a client with one connection would measure its own patience.
 */
async function untilWritten(survivors: readonly Member[], value: string): Promise<number> {
  const fromMs = performance.now();
  const tookMs: number[] = [];
  for (let attempt = 0; tookMs.length === 0; attempt += 1) {
    if (performance.now() - fromMs > PATIENCE_MS) throw new Error(`no write succeeded within ${PATIENCE_MS} ms`);
    void survivors[attempt % survivors.length]!.write(value).then((isWritten) => {
      if (isWritten) tookMs.push(performance.now() - fromMs);
    });
    await delay(RETRY_MS);
  }
  return tookMs[0]!;
}

/** A leader that goes is missed by those who write. A process that has served nobody yet would show what its first requests cost. */
async function inUse(members: readonly Member[]): Promise<void> {
  for (const member of members) {
    const writer = async (): Promise<void> => {
      for (let write = 0; write < WRITES_BEFORE / WRITERS; write += 1) await member.write('before');
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  }
}

async function round(contender: Contender, fault: Fault, number: number): Promise<number> {
  let leader = await contender.settled();
  // A busy machine may cost it its leadership meanwhile.
  while (!(await leader.write('before'))) leader = await contender.settled();
  const survivors = contender.members.filter(({ id }) => id !== leader.id);
  await inUse(contender.members);
  leader.signal(fault);
  const tookMs = await untilWritten(survivors, `${fault} ${number}`);
  if (fault === 'SIGSTOP') leader.signal('SIGCONT');
  else {
    await leader.ended();
    await contender.restart(leader.id);
  }
  return tookMs;
}

function figuresOf(tookMs: readonly number[]): Record<string, number> {
  const sorted = tookMs.toSorted((x, y) => x - y);
  const quantile = (q: number): number => Math.round(sorted[Math.min(rounds - 1, Math.floor(q * rounds))]! * 10) / 10;
  return { p50Ms: quantile(0.5), p90Ms: quantile(0.9), p99Ms: quantile(0.99), maxMs: quantile(1) };
}

const loadBefore = loadavg()[0]!;
const contenders: Contender[] = [];
try {
  contenders.push(await OurMembers.start(directory));
  for (const [heartbeatMs, electionTimeoutMs, firstPort] of [
    [50, 300, 17_800],
    [30, 150, 17_820],
  ] as const) {
    const own = mkdtempSync(join(directory, 'etcd-'));
    contenders.push(await EtcdMembers.start(etcd, { directory: own, firstPort, heartbeatMs, electionTimeoutMs }));
  }
  const tookMs = new Map<string, number[]>();
  for (const fault of faults) {
    for (let number = 0; number < rounds; number += 1) {
      for (const contender of contenders) {
        const key = `${contender.name}/${fault}`;
        tookMs.set(key, [...(tookMs.get(key) ?? []), await round(contender, fault, number)]);
      }
    }
  }
  const results = [...tookMs].map(([key, all]) => {
    const [contender, fault] = key.split('/SIG') as [string, string];
    return { contender, fault: `SIG${fault}`, ...figuresOf(all) };
  });
  console.log(JSON.stringify({ rounds, retryMs: RETRY_MS, loadBefore, loadAfter: loadavg()[0], results }));
} finally {
  await Promise.all(contenders.map((contender) => contender.stop()));
  rmSync(directory, { recursive: true });
}
