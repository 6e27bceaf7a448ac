import { TuttiError } from '../lib/errors.ts';
import type { RunReport } from '../results/report.ts';
import type { LeaderCall, LeaderCalls } from './leader-calls.ts';
import { checkPlan, progressOf, reportOf, stopAsLeader, submitAsLeader, type Submission } from './leader-runs.ts';
import type { RunProgress, RunService, StopRequest, Submitted } from './service.ts';

export interface RunServiceOptions {
  readonly calls: LeaderCalls;
  readonly runMs: (runId: string) => number | null;
  /** A new id; unique for ever. */
  readonly newRunId: () => string;
}

/** What any node offers about runs. Asking twice is the same as asking once: a submission has its id, a stop names its run. */
export function createRunService({ calls, runMs, newRunId }: RunServiceOptions): RunService {
  const submit: LeaderCall<Submission, Submitted> = {
    method: 'run.submit',
    local: (leader, submission) => submitAsLeader(leader, submission, newRunId()),
  };
  const stop: LeaderCall<{ readonly tenant: string | null; readonly runId: string }, { readonly runId: string }> = {
    method: 'run.stop',
    local: stopAsLeader,
  };
  const progress: LeaderCall<object, RunProgress> = {
    method: 'run.progress',
    local: (leader) => progressOf(leader, runMs),
  };
  const report: LeaderCall<object, RunReport> = { method: 'run.report', local: reportOf };
  calls.register(submit);
  calls.register(stop);
  calls.register(progress);
  calls.register(report);

  /** Named before it is stopped: a stop that is repeated must not end the run after it. */
  const runThatIsOn = async (asker: AbortSignal | undefined): Promise<string> => {
    const { runId, state } = await calls.call(progress, {}, asker);
    if (state === 'finished' || state === 'aborted') throw new TuttiError('RUN_NOT_FOUND', 'no run is on');
    return runId;
  };

  return {
    async submit(submission, asker) {
      checkPlan(submission.planText, submission.fileName);
      return calls.call(submit, submission, asker);
    },
    stop: async ({ tenant, runId }: StopRequest, asker) =>
      calls.call(stop, { tenant, runId: runId ?? (await runThatIsOn(asker)) }, asker),
    progress: () => calls.call(progress, {}),
    report: () => calls.call(report, {}),
  };
}
