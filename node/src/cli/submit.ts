import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunProgress } from '../coordinator/service.ts';
import { TuttiError } from '../lib/errors.ts';
import { exitCodes } from '../lib/exit-codes.ts';
import { exitCodeOf } from '../results/build-report.ts';
import type { RunReport } from '../results/report.ts';
import type { ClusterClient } from './client.ts';
import { clientOf, type ClusterOptions, nodesOf } from './connect.ts';
import { tellLeadership } from './leadership.ts';
import { checkOut, printReport } from './output.ts';
import { loadPlan } from './plan-file.ts';
import { type ProgressLine, progressLine } from './progress.ts';

const pollIntervalMs = 500;

/** `tutti submit`: with --wait it follows the run, prints its report and ends with its exit code. */
export async function submit(
  file: string,
  options: ClusterOptions & { readonly wait?: true; readonly idempotencyKey?: string },
): Promise<void> {
  if (options.out !== undefined && options.wait !== true)
    throw new TuttiError('SETTINGS_INVALID', '--out needs --wait: without it there is no result to write yet');
  const { text, shown } = loadPlan(file);
  checkOut(options.out);
  const client = clientOf(options);
  const accepted = await send(client, { shown, text }, options.idempotencyKey ?? randomUUID());
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
    console.error(
      `\n${accepted.run_id} goes on without being watched; to end it: tutti stop --node ${nodesOf(options)}`,
    );
    process.exit(exitCodes.interrupted);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const report = await follow(client, accepted.run_id, progressLine(options));
  printReport(report, { json: options.json ?? false, out: options.out ?? null });
  process.exitCode = exitCodeOf(report);
}

export interface Accepted {
  readonly run_id: string;
  readonly created: boolean;
  readonly missing: readonly string[];
}

async function send(
  client: ClusterClient,
  { shown, text }: { readonly shown: string; readonly text: string },
  key: string,
): Promise<Accepted> {
  // This machine has judged the plan already, but the nodes may be of another version: they name their problems alike.
  const path = `/config?file=${encodeURIComponent(shown)}`;
  const headers = { 'content-type': 'application/yaml', 'idempotency-key': key };
  try {
    return await client.post<Accepted>(path, headers, text);
  } catch (thrown) {
    const error = TuttiError.from(thrown);
    if (error.code !== 'OUTCOME_UNKNOWN') throw error;
    const again = `The plan may have been accepted all the same; to ask again without a second run: --idempotency-key ${key}`;
    throw new TuttiError(error.code, `${error.message}\n${again}`, { cause: error });
  }
}

/**
 * Shows progress until the run has ended, and what becomes of the leader; one that dies meanwhile is one more reason to ask the
 * next node.
 */
async function follow(client: ClusterClient, runId: string, line: ProgressLine): Promise<RunReport> {
  const ended = new AbortController();
  const telling = tellLeadership(client, (sentence) => line.say(sentence), ended.signal);
  try {
    return await watch(client, runId, line);
  } catch (thrown) {
    const error = TuttiError.from(thrown);
    if (error.code === 'NO_LEADER') line.say(`${runId} goes on, as far as is known; it is only not watched any more`);
    throw error;
  } finally {
    ended.abort();
    await telling;
    line.end();
  }
}

async function watch(client: ClusterClient, runId: string, line: ProgressLine): Promise<RunReport> {
  for (;;) {
    const progress = await client.get<RunProgress>('/run');
    if (progress.runId !== runId)
      throw new TuttiError('RUN_NOT_FOUND', `${runId} has ended, and ${progress.runId} came after it`);
    line.show(progress);
    if (progress.state === 'finished' || progress.state === 'aborted') break;
    await delay(pollIntervalMs);
  }
  return client.get<RunReport>('/result');
}
