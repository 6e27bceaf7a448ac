import { createHash } from 'node:crypto';
import type { CommandResult } from '../cluster/commands.ts';
import type { ClusterState, Run } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import { differInLoadAlone } from '../cluster/load-change.ts';
import { reportInput, runProgress } from '../cluster/views.ts';
import { termsOf } from '../generator/schedule/course.ts';
import { TuttiError } from '../lib/errors.ts';
import { describePlanProblems } from '../plan/describe.ts';
import { parsePlan } from '../plan/parse.ts';
import { buildReport } from '../results/build-report.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunReport } from '../results/report.ts';
import type { LeaderContext } from './context.ts';
import { stopRun } from './finish.ts';
import type { RunProgress, Submitted } from './service.ts';
import { goneAfterMs } from './timings.ts';

export interface Submission {
  readonly planText: string;
  readonly submissionId: string;
  /** Of a plan that no person gives: what becomes of it is remembered for good, under this name (ADR 83). */
  readonly source?: string;
  /** What the submitter calls the text; problems are named by it. It is not replicated. */
  readonly fileName?: string;
}

/** PLAN_INVALID with every problem, one a line, each beginning with the file's name (`plan` for a text without one). */
export function checkPlan(planText: string, fileName = 'plan'): Plan {
  const parsed = parsePlan(planText);
  if (!parsed.ok) throw new TuttiError('PLAN_INVALID', describePlanProblems(fileName, parsed.problems));
  return parsed.plan;
}

/**
 * Commits a run whose agents are those this leader is connected to. A leader that is new waits a moment for the rest of the
 * list; who is missing even then is named, and may join the run later.
 */
export async function submitAsLeader(
  context: LeaderContext,
  { planText, submissionId, source, fileName }: Submission,
  runId: string,
): Promise<Submitted> {
  const plan = checkPlan(planText, fileName);
  const missing = mayBegin(context.state(), { planText, submissionId }) ? await context.untilComplete() : [];
  const result = await context.propose({
    kind: 'submitRun',
    runId,
    planText,
    plan,
    submissionId,
    source: source ?? null,
    planHash: createHash('sha256').update(planText).digest('hex'),
    expected: context.members(),
    missing,
    submittedAtUnixMs: Math.round(context.unixMs()),
  });
  const accepted = orThrow(result);
  const created = accepted === runId;
  if (created && missing.length > 0) context.log.warn({ run: runId, missing }, 'goes on without all listed members');
  return { runId: accepted, created, missing: created ? missing : [] };
}

/**
 * The run that is on goes on with the load of this plan, which differs from its own in nothing else; null: it differs in more, or the
 * run is over or about to be. Rejects with BUSY while the start is not scheduled: the load may be changed then.
 */
export async function changeLoadAsLeader(
  context: LeaderContext,
  { planText, submissionId, source, fileName }: Submission,
): Promise<{ readonly runId: string } | null> {
  const plan = checkPlan(planText, fileName);
  return context.exclusively(async () => {
    const { run } = context.state();
    if (run === null || isOver(run.phase) || run.phase.name === 'draining') return null;
    if (!differInLoadAlone(run.plan, plan)) return null;
    if (run.phase.name === 'preparing' || run.phase.name === 'ready') {
      throw new TuttiError('BUSY', `run ${run.id} is ${run.phase.name}: its load may be changed once it has begun`);
    }
    if (run.horizonMs >= run.plan.durationMs) return null;
    const result = await context.propose({
      kind: 'changeLoad',
      runId: run.id,
      submissionId,
      source: source ?? null,
      planHash: createHash('sha256').update(planText).digest('hex'),
      terms: termsOf(plan),
    });
    return { runId: orThrow(result) };
  });
}

/** Else nothing begins by this submission, and there is nobody to wait for. */
function mayBegin({ run, submissions, sources }: ClusterState, { submissionId }: Submission): boolean {
  if (run !== null && !isOver(run.phase)) return false;
  return ![...submissions, ...sources].some((each) => each.submissionId === submissionId);
}

/**
 * Before the start is scheduled there is nothing to drain: the run is aborted. From then on every node has a horizon up to which
 * it sends load by itself, whenever it hears of an abort: the run is stopped there, so that what is sent is counted. One that is
 * over is as it was wished. RUN_NOT_FOUND when another is on, or it is not this tenant's.
 */
export async function stopAsLeader(
  context: LeaderContext,
  { tenant, runId }: { readonly tenant: string | null; readonly runId: string },
): Promise<{ readonly runId: string }> {
  const run = currentRun(context.state());
  if (run.id !== runId) throw new TuttiError('RUN_NOT_FOUND', `run ${runId} is not on, and not the last one`);
  if (isOver(run.phase)) return { runId };
  if (tenant !== null && tenant !== run.plan.metadata.tenant) {
    throw new TuttiError('RUN_NOT_FOUND', `no run of tenant ${tenant} is on`);
  }
  if (await abortedUnscheduled(context, runId)) return { runId };
  if (currentRun(context.state()).phase.name === 'scheduled') {
    // Refused only where it is said already, or the run is over: stopping looks at the phase anew.
    await context.propose({ kind: 'markRunning', runId });
  }
  await stopRun(context, runId);
  return { runId };
}

/** False: the start is scheduled, or about to be. */
function abortedUnscheduled(context: LeaderContext, runId: string): Promise<boolean> {
  return context.exclusively(async () => {
    const { run } = context.state();
    if (run?.id !== runId || (run.phase.name !== 'preparing' && run.phase.name !== 'ready')) return false;
    // The same word as in an orderly stop: by it whoever waits for the run knows that it was stopped (exit code 105).
    orThrow(await context.propose({ kind: 'abortRun', runId, reason: 'stopped' }));
    return true;
  });
}

/** The run that is on, or the last one. RUN_NOT_FOUND when there never was one. */
export function progressOf(context: LeaderContext, runMs: (runId: string) => number | null): RunProgress {
  const run = currentRun(context.state());
  if (run.phase.name === 'finished') return runProgress(run, Infinity);
  const countedMs = run.firedPerSecond.length * 1_000;
  return runProgress(run, Math.max(0, runMs(run.id) ?? countedMs), isThere(context));
}

export function reportOf(context: LeaderContext): RunReport {
  return buildReport(reportInput(currentRun(context.state()), isThere(context)));
}

/** A connection that comes back at once was a hiccup, here as for the stripes. */
function isThere({ presence }: LeaderContext): (slot: string) => boolean {
  return (slot) => presence.downForMs(slot) <= goneAfterMs;
}

function currentRun(state: ClusterState): Run {
  if (state.run === null) throw new TuttiError('RUN_NOT_FOUND', 'there has been no run yet');
  return state.run;
}

function orThrow(result: CommandResult): string {
  if (!result.ok) throw new TuttiError(result.code, result.message);
  return result.runId;
}
