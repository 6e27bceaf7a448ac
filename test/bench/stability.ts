// Does the load starve the consensus? Three nodes on loopback whose generators want all there is of the machine, `lan` timings:
//   scripts/with-node test/bench/stability.ts [seconds, 600]
// Counts elections, and beside them what an idle process of normal priority lost at those moments: an election is excused only
// where that was more than 50 ms. JSON on standard output; exit code 1 when one was not excused.
import { cpus, loadavg } from 'node:os';
import { monotonicNowMs, startRecorder, startWitness } from '../e2e/support/helpers.ts';
import { TestCluster } from '../e2e/support/cluster.ts';
import { lostBetween } from '../e2e/support/pauses.ts';

const EXCUSED_LOST_MS = 50;
/** Before an election: its timeout, and what it took to be noticed and decided. */
const LOOK_BACK_MS = 1_000;
const USERS = 200;

const seconds = Number(process.argv[2] ?? 600);
if (!Number.isInteger(seconds) || seconds < 5) throw new Error('usage: stability.ts [seconds, at least 5]');

const plan = (baseUrl: string): string => `
version: "1.0"
config: { baseUrl: "${baseUrl}", duration: ${seconds}s, workers: ${USERS} }
load: { model: concurrent }
scenarios:
  - name: as fast as it goes
    steps:
      - request: { method: GET, path: /hit/0 }
`;

interface Election {
  readonly term: number;
  readonly leader: string;
  readonly atMs: number;
}

/** By the logs of those who won. `toMonotonicMs` is added to a wall clock. */
function electionsOf(cluster: TestCluster, toMonotonicMs: number): Election[] {
  return cluster.members
    .flatMap(({ id }) => cluster.log(id).map((line) => ({ id, line })))
    .filter(({ line }) => line.msg.startsWith('elected: '))
    .map(({ id, line }) => ({ term: line.term ?? 0, leader: id, atMs: Date.parse(line.time) + toMonotonicMs }))
    .sort((a, b) => a.atMs - b.atMs);
}

const witness = startWitness();
const recorder = await startRecorder();
const cluster = await TestCluster.start(3, { generators: String(cpus().length) });
try {
  await cluster.submit(plan(recorder.baseUrl), 'stability');
  await cluster.runReaches('running', 30_000);
  const fromMs = monotonicNowMs();
  const began = electionsOf(cluster, 0).length;
  if (began === 0) throw new Error('the first election is not in the logs: this could not see another');
  let load = 0;
  const looking = setInterval(() => (load = Math.max(load, loadavg()[0]!)), 1_000);
  await cluster.runReaches('finished', (seconds + 60) * 1_000);
  clearInterval(looking);
  const pauses = await witness.pauses();
  const elections = electionsOf(cluster, monotonicNowMs() - Date.now())
    .slice(began)
    .map((each) => ({
      ...each,
      atMs: Math.round(each.atMs - fromMs),
      witnessLostMs: Math.round(lostBetween(pauses, each.atMs - LOOK_BACK_MS, each.atMs)),
    }));
  const unexcused = elections.filter(({ witnessLostMs }) => witnessLostMs <= EXCUSED_LOST_MS);
  const lost = pauses
    .flat()
    .filter(({ atMs }) => atMs >= fromMs)
    .map(({ lostMs }) => lostMs);
  const { books } = await cluster.report();
  console.log(
    JSON.stringify({
      ...{ seconds, users: USERS, requests: books.answered, booksBalanced: books.balanced, highestLoad: load },
      witness: { pausesOver10Ms: lost.length, longestMs: Math.round(Math.max(0, ...lost)) },
      ...{ elections, unexcused: unexcused.length },
    }),
  );
  process.exitCode = unexcused.length === 0 ? 0 : 1;
} finally {
  await cluster.stop();
  await recorder.stop();
  await witness.stop();
}
