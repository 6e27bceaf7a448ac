import type { CommandResult } from '../cluster/commands.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { whenComplete } from '../coordinator/roll-call.ts';
import type { RunService } from '../coordinator/service.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { fetchFromFile } from '../source/file.ts';

export interface FilePlanOptions {
  readonly path: string;
  readonly consensus: Pick<Consensus<CommandResult>, 'subscribe' | 'peers' | 'status'>;
  readonly runs: Pick<RunService, 'submit'>;
  readonly clock: Clock;
  /** How long a new leader waits for the whole list before it starts with the members that are there. */
  readonly waitForMembersMs: number;
  readonly log: Log;
}

/**
 * CLUSTER_CONFIG_SOURCE=file: whoever comes to lead submits the plan of its file once every listed member is connected, or the
 * wait is over. The submission id is the content's, so the run of an earlier leader is found, not repeated. Returns what ends it.
 */
export function submitFromFile(options: FilePlanOptions): () => void {
  const { consensus, clock, waitForMembersMs } = options;
  let giveUp = (): void => undefined;
  const unsubscribe = consensus.subscribe((event) => {
    if (event.kind !== 'leadershipLost' && event.kind !== 'leadershipGained') return;
    giveUp();
    if (event.kind === 'leadershipLost') return;
    giveUp = whenComplete(consensus, clock, clock.nowMs() + waitForMembersMs, () => void submit(options));
  });
  return () => {
    giveUp();
    unsubscribe();
  };
}

/** A failure is logged and left: the next leader tries again, and so does a restart. */
async function submit({ path, runs, log }: FilePlanOptions): Promise<void> {
  try {
    const { text, submissionId } = await fetchFromFile(path);
    const { runId, created } = await runs.submit({ planText: text, submissionId, fileName: path });
    log.info({ path, run: runId }, created ? 'the plan file was submitted' : 'the plan file is this run already');
  } catch (thrown) {
    const error = TuttiError.from(thrown);
    log.error({ path, code: error.code }, `the plan file was not submitted: ${error.message}`);
  }
}
