import type { Command } from 'commander';
import type { ClusterHealth } from '../api/health.ts';
import type { RunProgress } from '../coordinator/service.ts';
import { TuttiError } from '../lib/errors.ts';
import { exitCodes } from '../lib/exit-codes.ts';
import type { RunReport } from '../results/report.ts';
import type { ClusterClient } from './client.ts';
import { clientOf, type ClusterOptions, defaultNode } from './connect.ts';
import { checkOut, printReport } from './output.ts';
import { describe } from './progress.ts';
import { type Accepted, submit } from './submit.ts';

/** submit, status, result, stop: each talks to any node of a cluster over its HTTP API. */
export function addClusterCommands(program: Command): void {
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option(
        '--node <urls>',
        `nodes to ask, the first that answers counts: URL[,URL...] [TUTTI_NODES, default: ${defaultNode}]`,
      )
      .option('--token-file <file>', 'file with the API token [API_AUTH_TOKEN_FILE, else API_AUTH_TOKEN]')
      .option('--patience <seconds>', 'how long to look for a node that answers', '10')
      .option('--json', 'print JSON for machines');

  command('submit <plan>', 'Run a plan on a cluster.')
    .option('--wait', 'follow the run and print its result')
    .option('--idempotency-key <key>', 'the same key twice is one run')
    .option('--quiet', 'no progress')
    .option('--out <file>', 'with --wait: write the result as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  tutti submit examples/checkout.yaml --wait --node http://127.0.0.1:8081,http://127.0.0.1:8082\n',
    )
    .action(submit);
  command('reload', 'Have the cluster read its source of plans (CLUSTER_CONFIG_SOURCE) anew, at once.')
    .addHelpText(
      'after',
      '\nA plan that is a run already is not run again. From a file: that of the node that answers.\n' +
        '\nExample:\n  tutti reload --node http://127.0.0.1:8081\n',
    )
    .action(reload);
  command('status', 'Show the cluster and the run that is on.').action(status);
  command('result', 'Print the merged result of the run that is on, or of the last one.')
    .option('--out <file>', 'write it as JSON')
    .action(result);
  command('stop', 'Stop the run that is on, in an orderly way.')
    .option('--tenant <tenant>', 'stop only if the run belongs to this tenant')
    .action(stop);
}

/** Founded, but not whole: a member is missing, or even a majority. */
function standingOf({ cluster_formed, cluster_id, leader_id }: ClusterHealth): string {
  if (cluster_formed) return 'formed';
  if (cluster_id === null) return 'forming';
  return leader_id === null ? 'founded' : 'incomplete';
}

async function status(options: ClusterOptions): Promise<void> {
  const client = clientOf(options);
  const cluster = await client.get<ClusterHealth>('/health/cluster');
  // Of the run only a leader can tell; without one, what there is to see is the cluster.
  const hasLeader = cluster.leader_id !== null;
  if (!hasLeader) process.exitCode = exitCodes.noCluster;
  const run = hasLeader ? await runOf(client) : null;
  if (options.json) return console.log(JSON.stringify({ cluster, run }, null, 2));
  console.log(
    `cluster  ${standingOf(cluster)}, leader ${cluster.leader_id ?? 'unknown'}, term ${cluster.term}, asked ${cluster.node_id}`,
  );
  for (const member of cluster.members)
    console.log(
      `  node   ${member.id ?? '(not met)'} ${member.connected ? 'connected' : `NOT CONNECTED: ${member.reason ?? ''}`}`,
    );
  for (const problem of cluster.problems) console.log(`  problem at ${problem.address}: ${problem.reason}`);
  const none = hasLeader ? 'none yet' : 'unknown until a leader is elected';
  console.log(`run      ${run === null ? none : `${run.runId}: ${describe(run)}`}`);
}

function runOf(client: ClusterClient): Promise<RunProgress | null> {
  return client.get<RunProgress>('/run').catch((error: unknown) => {
    if (error instanceof TuttiError && error.code === 'RUN_NOT_FOUND') return null;
    throw error;
  });
}

interface ReloadAnswer {
  /** Null: it waits for another one to end. */
  readonly run_id: string | null;
  readonly waits_for?: string;
  readonly status: 'accepted' | 'changed' | 'waiting';
}

async function reload(options: ClusterOptions): Promise<void> {
  const answer = await clientOf(options).post<Omit<Accepted, 'run_id'> & ReloadAnswer>('/reload', {}, null);
  if (options.json) return console.log(JSON.stringify(answer));
  const { created, missing, run_id: runId, waits_for: waitsFor } = answer;
  if (answer.status === 'changed') return console.log(`${runId ?? ''} goes on with the changed load`);
  if (runId === null) return console.log(`it waits until ${waitsFor ?? 'the run that is on'} has ended`);
  console.log(created ? `accepted: ${runId}` : `nothing new: the plan of the source is ${runId} already`);
  if (missing.length > 0) console.log(`goes on without ${missing.join(', ')}`);
}

async function result(options: ClusterOptions): Promise<void> {
  checkOut(options.out);
  const report = await clientOf(options).get<RunReport>('/result');
  printReport(report, { json: options.json ?? false, out: options.out ?? null });
}

async function stop(options: ClusterOptions & { readonly tenant?: string }): Promise<void> {
  const client = clientOf(options);
  // Named, so that asking the next node never ends another run than the one that was on.
  const { runId, state } = await client.get<RunProgress>('/run');
  if (state === 'finished' || state === 'aborted') throw new TuttiError('RUN_NOT_FOUND', 'no run is on');
  const body = JSON.stringify({ run_id: runId, tenant: options.tenant ?? null });
  const stopped = await client.post<{ run_id: string }>('/stop', { 'content-type': 'application/json' }, body);
  console.log(options.json ? JSON.stringify(stopped) : `stopping ${stopped.run_id}`);
}
