// Writes of 256 bytes to three nodes on loopback, ours beside etcd's, each with its own best client, both syncing to the same disk:
//   scripts/with-node test/bench/etcd.ts [rounds, 5] [seconds, 3]
// Needs Debian's etcd-server (3.4) on the PATH, and Go for etcd's client. Medians of interleaved rounds and what they are
// of etcd's, as JSON on standard output.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findEtcd } from './etcd/etcd-member.ts';
import { goTool } from '../support/go-tool.ts';
import { EtcdCluster, OurCluster } from './etcd/clusters.ts';
import type { BenchCluster } from './etcd/clusters.ts';

const run = promisify(execFile);
const WARM_UP_SECONDS = 1;
/** The most first: by the time of the one, whose latency counts, all code is compiled. */
const IN_FLIGHT = [256, 64, 1];
const MAX_REPEATED = 5;

const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 3);
if (!Number.isInteger(rounds) || rounds < 1 || !(seconds > 0)) throw new Error('usage: etcd.ts [rounds] [seconds]');

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A kind of cluster and the ways of writing to it. */
interface Contender {
  readonly start: (directory: string) => Promise<BenchCluster>;
  /** By name: the command that writes for the given time and prints figures. */
  readonly clients: Readonly<Record<string, (port: number, inFlight: number) => readonly string[]>>;
}

const etcd = await findEtcd();
const put = await goTool('etcd-put', join(import.meta.dirname, 'etcd/put'));

const ours = (transport: string): Contender => {
  const client = (mode: string) => (port: number, inFlight: number) => {
    const words = [transport, port, inFlight, seconds, WARM_UP_SECONDS, mode].map(String);
    return [process.execPath, join(import.meta.dirname, 'etcd/client.ts'), ...words];
  };
  const clients = { [`${transport}, together`]: client('together'), [`${transport}, single`]: client('single') };
  return { start: (directory) => OurCluster.start(directory, transport), clients };
};
const contenders: readonly Contender[] = [
  {
    start: (directory) => EtcdCluster.start(directory, etcd),
    clients: {
      etcd: (port, inFlight) => [
        ...[put, '-endpoint', `127.0.0.1:${port}`, '-in-flight', String(inFlight)],
        ...['-seconds', String(seconds), '-warm-up-seconds', String(WARM_UP_SECONDS)],
      ],
    },
  },
  ours('grpc'),
  ours('tcp'),
];

/** By client and number in flight, one for each round. */
const seen = new Map<string, Figures[]>();

/** Measurements that were made again, because a leader had lost its leadership under them: the machine is too busy. */
let repeated = 0;

/** A cluster of its own for each client: no log that another has made long. */
async function measure({ start, clients }: Contender): Promise<void> {
  for (const [name, commandOf] of Object.entries(clients)) {
    let figures = await attempt(start, commandOf);
    for (; typeof figures === 'string'; figures = await attempt(start, commandOf)) {
      process.stderr.write(`${name}: ${figures}\n`);
      repeated++;
      if (repeated > MAX_REPEATED) throw new Error(`${repeated} measurements failed, the last one: ${figures}`);
    }
    for (const [inFlight, of] of figures) {
      const key = `${name}/${inFlight}`;
      seen.set(key, [...(seen.get(key) ?? []), of]);
      process.stderr.write(`${key}: ${JSON.stringify(of)}\n`);
    }
  }
}

/** One cluster, by number in flight; or why there are no figures. */
async function attempt(
  start: Contender['start'],
  commandOf: Contender['clients'][string],
): Promise<Map<number, Figures> | string> {
  const directory = mkdtempSync(join(tmpdir(), 'etcd-bench-'));
  const cluster = await start(directory);
  try {
    const figures = new Map<number, Figures>();
    for (const inFlight of IN_FLIGHT) {
      const [file, ...args] = commandOf(cluster.leaderPort, inFlight);
      const { stdout } = await run(file!, args);
      figures.set(inFlight, JSON.parse(stdout) as Figures);
    }
    return figures;
  } catch (error) {
    return (error as { stderr?: string }).stderr?.trim() ?? String(error);
  } finally {
    await cluster.stop();
    rmSync(directory, { recursive: true });
  }
}

function medians(key: string): Figures {
  const all = seen.get(key)!;
  const median = (of: (figures: Figures) => number): number =>
    all.map(of).sort((one, other) => one - other)[Math.floor(all.length / 2)]!;
  return { perSecond: median((it) => it.perSecond), p50Ms: median((it) => it.p50Ms), p99Ms: median((it) => it.p99Ms) };
}

const loadBefore = loadavg()[0]!;
for (let round = 0; round < rounds; round++) for (const contender of contenders) await measure(contender);
const round2 = (value: number): number => Math.round(value * 100) / 100;
const results = [...seen.keys()].map((key) => {
  const [client, inFlight] = key.split('/') as [string, string];
  const figures = medians(key);
  const theirs = medians(`etcd/${inFlight}`);
  return {
    ...{ client, inFlight: Number(inFlight), perSecond: Math.round(figures.perSecond) },
    ...{ p50Ms: round2(figures.p50Ms), p99Ms: round2(figures.p99Ms) },
    throughputOfEtcds: round2(figures.perSecond / theirs.perSecond),
    medianLatencyOfEtcds: round2(figures.p50Ms / theirs.p50Ms),
  };
});
console.log(JSON.stringify({ rounds, seconds, repeated, loadBefore, loadAfter: loadavg()[0], results }));
