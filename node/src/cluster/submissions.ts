import { refused, type Applied, type CommandOf } from './changes.ts';
import type { CommandResult } from './commands.ts';
import type { ClusterState, Run, SourceDecision, Submission } from './state.ts';
import { isOver } from './transitions.ts';

/** Submission ids remembered: a client that retries does so within minutes, and a hundred runs take hours. */
const maxSubmissions = 100;
/** One for each node that ever had a plan file: far more than a cluster has members. */
const maxSources = 100;

/** A retry is the run it was; another plan under a used id must not be taken for accepted. */
export function resubmitted({ submissionId, runId, planHash }: Submission, again: string): CommandResult {
  if (again === planHash) return { ok: true, runId };
  const message = `${submissionId} was used for another plan (run ${runId}): give a new plan a new key`;
  return { ok: false, code: 'KEY_REUSED', message };
}

/** A person who is refused tries again and knows it; of a source the first answer stands, whatever comes later (ADR 83). */
export function submitRun(state: ClusterState, command: CommandOf<'submitRun'>): Applied {
  const { source, submissionId, planHash } = command;
  const decided = state.sources.find((each) => each.submissionId === submissionId);
  const applied = decided === undefined ? createRun(state, command) : { state, result: asDecided(decided) };
  const { result } = applied;
  if (source === null || (!result.ok && result.code !== 'RUN_IN_PROGRESS')) return applied;
  const answer = result.ok ? { runId: result.runId, refusal: null } : { runId: null, refusal: result.message };
  return { state: decidedAs(applied.state, source, { submissionId, planHash, ...answer }), result };
}

/** What became of the plan of a source; a null source is a person, of whom nothing is kept. */
export function decidedAs(
  state: ClusterState,
  source: string | null,
  decision: Omit<SourceDecision, 'source'>,
): ClusterState {
  if (source === null) return state;
  const others = state.sources.filter((each) => each.source !== source);
  const sources = [...others, { source, ...decision }].slice(-maxSources);
  const sourceProblem = state.sourceProblem?.source === source ? null : state.sourceProblem;
  return { ...state, sources, sourceProblem };
}

/** A plan that a source was refused is a run after all. */
export function noLongerRefused(
  sources: readonly SourceDecision[],
  planHash: string,
  runId: string,
): readonly SourceDecision[] {
  return sources.map((each) =>
    each.runId === null && each.planHash === planHash ? { ...each, runId, refusal: null } : each,
  );
}

export function remembered(submissions: readonly Submission[], submission: Submission): readonly Submission[] {
  return [...submissions, submission].slice(-maxSubmissions);
}

function asDecided({ runId, refusal }: SourceDecision): CommandResult {
  if (runId !== null) return { ok: true, runId };
  return { ok: false, code: 'RUN_IN_PROGRESS', message: refusal ?? 'it was refused' };
}

function createRun(state: ClusterState, command: CommandOf<'submitRun'>): Applied {
  const earlier = state.submissions.find((each) => each.submissionId === command.submissionId);
  if (earlier !== undefined) return { state, result: resubmitted(earlier, command.planHash) };
  if (state.run !== null && !isOver(state.run.phase)) {
    const { id, phase } = state.run;
    const message =
      command.source === null
        ? `run ${id} is on (${phase.name}): wait until it has ended, or stop it`
        : `run ${id} was on (${phase.name}) when it was given`;
    return { state, result: { ok: false, code: 'RUN_IN_PROGRESS', message } };
  }
  if (state.submissions.some((each) => each.runId === command.runId)) {
    return refused(state, `there has been a run ${command.runId} already`);
  }
  const { runId: id, submissionId, planText, plan, planHash, expected, missing, submittedAtUnixMs } = command;
  const run: Run = {
    id,
    submissionId,
    planText,
    planHash,
    plan,
    submittedAtUnixMs,
    startedAtUnixMs: null,
    phase: { name: 'preparing' },
    expected,
    missing,
    attempt: 1,
    acknowledgements: [],
    tables: [],
    changes: [],
    horizonMs: 0,
    horizonMovedAtMs: 0,
    standstills: [],
    agents: [],
    regions: [],
    firedPerSecond: [],
    endedPerSecond: [],
  };
  const submissions = remembered(state.submissions, { submissionId, planHash, runId: id });
  const sources = noLongerRefused(state.sources, planHash, id);
  return { state: { ...state, run, submissions, sources }, result: { ok: true, runId: id } };
}
