import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ClusterHealth } from '../node/src/api/health.ts';
import { ClusterClient } from '../node/src/cli/client.ts';
import { printReport } from '../node/src/cli/output.ts';
import { progressLine } from '../node/src/cli/progress.ts';
import type { RunProgress } from '../node/src/coordinator/service.ts';
import type { RunReport } from '../node/src/results/report.ts';
import { LeaderStory, lossSentence } from './lib/demo-story.ts';
import { Processes } from './lib/processes.ts';
import { takenAddress } from './lib/taken-port.ts';
import { waitFor } from './lib/wait-for.ts';

/** The whole way on one machine: a target, three nodes, one run, the leader killed half-way, one merged result. */
const usage = `Usage: scripts/demo [--keep] [--out <file>]

Starts a small shop and three tutti nodes on 127.0.0.1, runs examples/checkout.yaml on them (20 seconds), kills the
leader with SIGKILL half-way, and prints the merged result. Stops all it started, also on Ctrl-C.

  --keep   leave the shop and the nodes up afterwards, and say how to reach and how to stop them
  --out    where the result goes as JSON (default: demo-result.json)
`;
const { values: options } = parseArgs({
  options: {
    keep: { type: 'boolean' },
    out: { type: 'string', default: 'demo-result.json' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (options.help) {
  console.log(usage);
  process.exit(0);
}

const planFile = 'examples/checkout.yaml';
const shopAddress = '127.0.0.1:18080';
const members = ['a', 'b', 'c'].map((id, index) => ({
  id,
  raft: `127.0.0.1:${7001 + index}`,
  api: `127.0.0.1:${8081 + index}`,
}));
const list = members.map(({ id, raft }) => `${id}=${raft}`).join(',');
const formingTimeoutMs = 20_000;
const runTimeoutMs = 60_000;

// Before anything starts: somebody else's server at the shop's address would be taken for the shop, and get the load.
const taken = await takenAddress([shopAddress, ...members.flatMap(({ raft, api }) => [raft, api])]);
if (taken !== null) {
  console.error(
    `The demo needs ${taken}, which another process uses: stop that first. (A demo that was kept says how at its end.)`,
  );
  process.exit(1);
}

const directory = mkdtempSync(join(tmpdir(), 'tutti-demo-'));
const processes = new Processes(directory, options.keep === true);
const client = new ClusterClient({ nodes: members.map(({ api }) => `http://${api}`), token: null, patienceMs: 15_000 });
const line = progressLine({});
const leaders = new LeaderStory();
let keeping = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void cleanUp().then(() => process.exit(130)));
}
try {
  await demo();
} catch (error) {
  line.end();
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  console.error(processes.lastWords());
  process.exitCode = 1;
} finally {
  await cleanUp();
}

async function demo(): Promise<void> {
  console.log(`1. Target: a small shop on http://${shopAddress}`);
  processes.start('shop', [process.execPath, 'examples/shop/server.ts', shopAddress]);
  await waitFor(
    'the shop to answer',
    formingTimeoutMs,
    async () => (await fetch(`http://${shopAddress}/health`)).ok,
    processes.firstDead,
  );

  console.log(`2. Cluster: nodes a, b and c, each with its own log on disk under ${directory}`);
  for (const member of members) startNode(member);
  const formed = await waitFor('the nodes to form a cluster', formingTimeoutMs, formedCluster, processes.firstDead);
  console.log(`   ${leaders.seen(formed) ?? ''}; all three are members`);

  console.log(`3. Run: ${planFile}, submitted to node a; whoever leads, every node gets it through the replicated log`);
  const text = readFileSync(planFile, 'utf8');
  const accepted = await client.post<{ run_id: string }>(
    '/config',
    { 'content-type': 'application/yaml', 'idempotency-key': directory },
    text,
  );
  console.log(`   accepted as ${accepted.run_id}`);
  const killed = await followAndKillLeader();

  const report = await client.get<RunReport>('/result');
  console.log('\n4. Result, merged over all nodes:\n');
  printReport(report, { json: false, out: options.out });
  summarize(report, killed);
  if (options.keep) await keepRunning(killed.leader);
}

function startNode(member: (typeof members)[number]): void {
  const flags = {
    'node-id': member.id,
    nodes: list,
    'bind-addr': member.raft,
    'health-addr': member.api,
    'data-dir': join(directory, member.id),
  };
  const fixed = { 'config-source': 'api', generators: '1', 'log-format': 'json' };
  const flagList = Object.entries({ ...flags, ...fixed }).flatMap(([flag, value]) => [`--${flag}`, value]);
  processes.start(member.id, ['node/bin/tutti', 'node', ...flagList]);
}

async function formedCluster(): Promise<ClusterHealth | false> {
  const health = await client.get<ClusterHealth>('/health/cluster');
  return health.cluster_formed && health.members.every((member) => member.connected) && health;
}

/** Shows the run as it goes on; at half of its time the leader's process is killed, as a power cut would. */
async function followAndKillLeader(): Promise<Kill> {
  const seen: { kill: Kill | null } = { kill: null };
  await waitFor('the run to end', runTimeoutMs, async () => {
    const progress = await client.get<RunProgress>('/run');
    if (progress.state === 'aborted') throw new Error(`the run was aborted: ${progress.reason ?? ''}`);
    line.show(progress);
    tellLeader(await client.get<ClusterHealth>('/health/cluster'));
    if (seen.kill === null && progress.elapsedMs >= progress.durationMs / 2) seen.kill = await killLeader();
    return progress.state === 'finished';
  });
  line.end();
  if (seen.kill === null) throw new Error('the run ended before its leader could be killed');
  return seen.kill;
}

interface Kill {
  readonly leader: string;
  /** Run time, give or take an answer of the API. */
  readonly atMs: number;
}

/** Before a leader is killed as the leader: whoever reads must have heard that it is. */
function tellLeader(health: ClusterHealth): void {
  const sentence = leaders.seen(health);
  if (sentence !== null) line.say(`   ${sentence}`);
}

async function killLeader(): Promise<Kill> {
  const before = await client.get<ClusterHealth>('/health/cluster');
  tellLeader(before);
  const { elapsedMs: atMs } = await client.get<RunProgress>('/run');
  const leader = before.leader_id;
  if (leader === null) throw new Error('no leader is known half-way through the run');
  const killedAtMs = performance.now();
  await processes.kill(leader, 'SIGKILL');
  line.say(`   half-way: SIGKILL to ${leader}, the leader. The others keep firing up to the horizon, elect, and go on`);
  const after = await waitFor('a new leader', formingTimeoutMs, async () => {
    const health = await client.get<ClusterHealth>('/health/cluster');
    return health.leader_id !== null && health.leader_id !== leader && health;
  });
  line.say(`   ${leaders.seen(after) ?? ''}, seen ${Math.round(performance.now() - killedAtMs)} ms after the kill`);
  return { leader, atMs };
}

function summarize(report: RunReport, { leader: killed, atMs }: Kill): void {
  const lost = report.nodes.find((node) => node.node === killed)?.lost;
  console.log(`\nWhat happened: the leader ${killed} died in mid-run and the test went on.`);
  if (lost) console.log(lossSentence(killed, atMs, lost));
  console.log(
    `The books ${report.books.balanced ? 'balance: every planned iteration is accounted for' : 'DO NOT BALANCE'}.`,
  );
  if (!report.books.balanced) process.exitCode = 1;
}

async function keepRunning(killed: string): Promise<void> {
  startNode(members.find(({ id }) => id === killed)!);
  await waitFor(`${killed} to come back`, formingTimeoutMs, formedCluster, processes.firstDead);
  keeping = true;
  console.log(`\n--keep: ${killed} was started again; the shop and the three nodes stay up.`);
  for (const { id, api } of members)
    console.log(`  node ${id}: http://${api}   (try: curl -s http://${api}/health/cluster)`);
  console.log(`  In this directory, ${process.cwd()}:`);
  console.log(
    `  again:  npx tutti submit ${planFile} --wait --node ${members.map(({ api }) => `http://${api}`).join(',')}`,
  );
  console.log(`  stop:   kill ${processes.pids().join(' ')}; rm -r ${directory}`);
  processes.letGo();
}

async function cleanUp(): Promise<void> {
  if (keeping) return;
  await processes.stopAll();
  rmSync(directory, { recursive: true, force: true });
}
