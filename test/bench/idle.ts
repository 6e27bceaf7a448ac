// What an idle cluster costs: CPU of leader and followers, 3 key-value nodes on loopback that nobody asks anything:
//   scripts/with-node test/bench/idle.ts [seconds, 30] [grpc | tcp]
// In percent of one core, user and system time, from /proc (Linux). JSON on standard output.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { KeyValueNode } from '../integration/key-value/node.ts';

/** What starting costs is over by then: modules compiled, first garbage collected. */
const SETTLE_MS = 10_000;
/** USER_HZ: the same on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

const seconds = Number(process.argv[2] ?? 30);
if (!Number.isInteger(seconds) || seconds < 1) throw new Error('usage: idle.ts [seconds, at least 1]');
const transport = process.argv[3] ?? 'grpc';
const directory = mkdtempSync(join(tmpdir(), 'idle-bench-'));
const ids = ['a', 'b', 'c'];
const nodes = ids.map((id, at) => `${id}=127.0.0.1:${17_770 + at}`).join(',');
const running: KeyValueNode[] = [];

/** User and system time of the process so far. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold spaces; the fields behind it begin with the third (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

const termOf = async (): Promise<number> =>
  Math.max(...(await Promise.all(running.map(async (node) => (await node.status()).term))));

try {
  running.push(
    ...(await Promise.all(ids.map((id) => KeyValueNode.start(id, nodes, directory, ['--transport', transport])))),
  );
  const leader = await waitFor('a leader of three', 20_000, async () => {
    const all = await Promise.all(running.map((node) => node.status()));
    if (all.some(({ membership }) => membership?.unmet !== 0)) return false;
    return running.find((_, at) => all[at]!.leading) ?? false;
  });
  await delay(SETTLE_MS);
  const termBefore = await termOf();
  const before = running.map(({ pid }) => cpuMs(pid));
  const fromMs = performance.now();
  await delay(seconds * 1_000);
  const tookMs = performance.now() - fromMs;
  const percents = running.map(({ pid }, at) => Math.round(((cpuMs(pid) - before[at]!) / tookMs) * 10_000) / 100);
  console.log(
    JSON.stringify({
      seconds,
      transport,
      leaderCpuPercent: percents[running.indexOf(leader)],
      followerCpuPercents: percents.filter((_, at) => running[at] !== leader),
      electionsMeanwhile: (await termOf()) - termBefore,
      load: loadavg()[0],
    }),
  );
} finally {
  await Promise.all(running.map((node) => node.kill()));
  rmSync(directory, { recursive: true });
}
