import type { CommandResult } from '../cluster/commands.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { RunService } from '../coordinator/service.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { fetchFromFile } from '../source/file.ts';

/**
 * CLUSTER_CONFIG_SOURCE=file: whoever comes to lead submits the plan of its file. The submission id is the content's, so the
 * run of an earlier leader is found, not repeated. Returns what ends it.
 */
export function submitFromFile(
  path: string,
  consensus: Consensus<CommandResult>,
  runs: RunService,
  log: Log,
): () => void {
  return consensus.subscribe((event) => {
    if (event.kind !== 'leadershipGained') return;
    submit(path, runs).then(
      ({ runId, created }) =>
        log.info({ path, run: runId }, created ? 'the plan file was submitted' : 'the plan file is this run already'),
      (error: unknown) =>
        log.error(
          { path, code: TuttiError.from(error).code },
          `the plan file was not submitted: ${TuttiError.from(error).message}`,
        ),
    );
  });
}

async function submit(path: string, runs: RunService): Promise<{ readonly runId: string; readonly created: boolean }> {
  const { text, submissionId } = await fetchFromFile(path);
  return runs.submit({ planText: text, submissionId });
}
