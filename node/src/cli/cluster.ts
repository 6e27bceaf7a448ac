import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { ClusterHealth } from '../api/health.ts';
import type { RunProgress } from '../coordinator/service.ts';
import { TuttiError } from '../lib/errors.ts';
import { exitCodes } from '../lib/exit-codes.ts';
import { exitCodeOf } from '../results/build-report.ts';
import type { RunReport } from '../results/report.ts';
import { ClusterClient } from './client.ts';
import { checkOut, printReport } from './output.ts';
import { loadPlan } from './plan-file.ts';
import { describe, progressLine } from './progress.ts';

const defaultNode = 'http://127.0.0.1:8080';
const pollIntervalMs = 500;

interface ClusterOptions {
  readonly node: string;
  readonly tokenFile?: string;
  readonly patience: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly out?: string;
}

/** submit, status, result, stop: each talks to any node of a cluster over its HTTP API. */
export function addClusterCommands(program: Command): void {
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .addOption(
        new Option('--node <urls>', 'nodes to ask, the first that answers counts: URL[,URL...]')
          .env('TUTTI_NODES')
          .default(defaultNode),
      )
      .addOption(
        new Option('--token-file <file>', 'file with the API token (else API_AUTH_TOKEN, API_AUTH_TOKEN_FILE)').env(
          'API_AUTH_TOKEN_FILE',
        ),
      )
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
  command('status', 'Show the cluster and the run that is on.').action(status);
  command('result', 'Print the merged result of the run that is on, or of the last one.')
    .option('--out <file>', 'write it as JSON')
    .action(result);
  command('stop', 'Stop the run that is on, in an orderly way.')
    .option('--tenant <tenant>', 'stop only if the run belongs to this tenant')
    .action(stop);
}

function clientOf(options: ClusterOptions): ClusterClient {
  const nodes = options.node.split(',').map((node) => (node.includes('://') ? node : `http://${node}`));
  const bad = nodes.find((node) => !isNodeUrl(node));
  if (bad !== undefined)
    throw new TuttiError('SETTINGS_INVALID', `--node: '${bad}' is not a URL like ${defaultNode} (ports 1 to 65535)`);
  const patienceMs = Number(options.patience) * 1000;
  if (!(patienceMs >= 0))
    throw new TuttiError('SETTINGS_INVALID', `--patience: '${options.patience}' is not a number of seconds`);
  return new ClusterClient({ nodes, token: tokenOf(options), patienceMs });
}

function isNodeUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.port !== '0';
}

function tokenOf(options: ClusterOptions): string | null {
  if (options.tokenFile === undefined) return process.env.API_AUTH_TOKEN ?? null;
  try {
    return readFileSync(options.tokenFile, 'utf8').trim();
  } catch (error) {
    throw new TuttiError(
      'SETTINGS_INVALID',
      `--token-file: cannot read ${options.tokenFile} (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    );
  }
}

async function submit(
  file: string,
  options: ClusterOptions & { readonly wait?: true; readonly idempotencyKey?: string },
): Promise<void> {
  if (options.out !== undefined && options.wait !== true)
    throw new TuttiError('SETTINGS_INVALID', '--out needs --wait: without it there is no result to write yet');
  const { text, shown } = loadPlan(file);
  checkOut(options.out);
  const client = clientOf(options);
  const headers = { 'content-type': 'application/yaml', 'idempotency-key': options.idempotencyKey ?? randomUUID() };
  // This machine has judged the plan already, but the nodes may be of another version: they name their problems alike.
  const path = `/config?file=${encodeURIComponent(shown)}`;
  const accepted = await client.post<{ run_id: string; created: boolean; missing: string[] }>(path, headers, text);
  if (accepted.missing.length > 0)
    console.error(`goes on without ${accepted.missing.join(', ')}: not connected to the others`);
  if (options.wait !== true) {
    console.log(
      options.json
        ? JSON.stringify(accepted)
        : `${accepted.created ? 'accepted as' : 'already accepted as'} ${accepted.run_id}`,
    );
    return;
  }
  // Whoever presses Ctrl-C may think that the load has ended with it.
  const onSignal = (): never => {
    console.error(`\n${accepted.run_id} goes on without being watched; to end it: tutti stop --node ${options.node}`);
    process.exit(exitCodes.interrupted);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const report = await follow(client, accepted.run_id, options.quiet ?? options.json ?? false);
  printReport(report, { json: options.json ?? false, out: options.out ?? null });
  process.exitCode = exitCodeOf(report);
}

/** Shows progress until the run has ended; a leader that dies meanwhile is one more reason to ask the next node. */
async function follow(client: ClusterClient, runId: string, quiet: boolean): Promise<RunReport> {
  const line = progressLine(quiet);
  for (;;) {
    const progress = await client.get<RunProgress>('/run');
    if (progress.runId !== runId)
      throw new TuttiError('RUN_NOT_FOUND', `${runId} has ended, and ${progress.runId} came after it`);
    line.show(progress);
    if (progress.state === 'finished' || progress.state === 'aborted') break;
    await delay(pollIntervalMs);
  }
  line.end();
  return client.get<RunReport>('/result');
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
    `cluster  ${cluster.cluster_formed ? 'formed' : 'forming'}, leader ${cluster.leader_id ?? 'unknown'}, term ${cluster.term}, asked ${cluster.node_id}`,
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

async function result(options: ClusterOptions): Promise<void> {
  checkOut(options.out);
  const report = await clientOf(options).get<RunReport>('/result');
  printReport(report, { json: options.json ?? false, out: options.out ?? null });
}

async function stop(options: ClusterOptions & { readonly tenant?: string }): Promise<void> {
  const body = JSON.stringify({ tenant: options.tenant ?? null });
  const stopped = await clientOf(options).post<{ run_id: string }>(
    '/stop',
    { 'content-type': 'application/json' },
    body,
  );
  console.log(options.json ? JSON.stringify(stopped) : `stopping ${stopped.run_id}`);
}
