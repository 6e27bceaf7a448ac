import { boundOf, loadOver, termsAt } from '../generator/schedule/course.ts';
import type { LoadTerms } from '../generator/schedule/types.ts';
import type { Plan } from '../plan/plan.ts';
import { notNow, refused, type Applied, type CommandOf } from './changes.ts';
import { decidedAs, noLongerRefused, remembered, resubmitted } from './submissions.ts';
import type { ClusterState, Run } from './state.ts';

/** Each is a further table, which is kept for the whole run and sent to every generator; a change a minute for a working day. */
const maxLoadChanges = 500;

/**
 * A plan that differs from that of the run in its load alone, in place: rate, users and duration are other ones from the horizon as
 * it stands, where nobody has fired anything yet (ADR 91). The submission is the run that is on.
 */
export function changeLoad(state: ClusterState, run: Run, command: CommandOf<'changeLoad'>): Applied {
  const { planHash, source, submissionId, terms } = command;
  const earlier = state.submissions.find((each) => each.submissionId === submissionId);
  if (earlier !== undefined) return { state, result: resubmitted(earlier, planHash) };
  const current = currentTerms(run);
  const why = isMoving(run) ? whyNever(run, terms) : null;
  if (why !== null) {
    // Whoever submits plans of a source is to leave it at that.
    const refusal = { submissionId, planHash, runId: null, refusal: why };
    return { state: decidedAs(state, source, refusal), result: { ok: false, code: 'RUN_IN_PROGRESS', message: why } };
  }
  const changed = isSame(current, terms) ? run : changedRun(run, current, terms);
  if (typeof changed === 'string') return refused(state, changed);
  const submission = { submissionId, planHash, runId: run.id };
  const next = {
    ...state,
    run: changed,
    submissions: remembered(state.submissions, submission),
    sources: noLongerRefused(state.sources, planHash, run.id),
  };
  return { state: decidedAs(next, source, { ...submission, refusal: null }), result: { ok: true, runId: run.id } };
}

function changedRun(run: Run, from: LoadTerms, to: LoadTerms): Run | string {
  if (!isMoving(run)) return notNow(run, 'has no load to change');
  const { horizonMs: fromMs, plan } = run;
  if (fromMs >= plan.durationMs) return `run ${run.id} has come to its end`;
  const { slots } = run.tables.at(-1)!;
  // What lies before the horizon may have been fired.
  const terms = { ...to, durationMs: Math.max(to.durationMs, fromMs) };
  const tables = [...run.tables, { fromMs, slots, terms }];
  return {
    ...run,
    plan: { ...plan, durationMs: terms.durationMs, load: loadOver(plan.load, tables) },
    tables,
    changes: [...run.changes, { fromMs, reason: `the load changed: ${describe(from, terms)}` }],
  };
}

/** What no waiting mends while this run is on. */
function whyNever(run: Run, to: LoadTerms): string | null {
  const { slots } = run.tables.at(-1)!;
  const share = boundOf(to);
  if (share < slots.length) return `run ${run.id} is on, and its ${slots.length} nodes cannot share workers: ${share}`;
  if (run.tables.filter((table) => table.terms !== undefined).length < maxLoadChanges) return null;
  return `run ${run.id} is on, and its load was changed ${maxLoadChanges} times: no more`;
}

/** Once its end is ordered the whole stripe of every agent is settled. */
function isMoving({ phase }: Run): boolean {
  return phase.name === 'scheduled' || phase.name === 'running';
}

/** What the load is now. `run.plan` has the users or the bound that it began with; see `tables`. */
export function currentTerms({ plan, tables }: Run): LoadTerms {
  return { ...termsAt(plan, tables, tables.length - 1), durationMs: plan.durationMs };
}

function isSame(one: LoadTerms, other: LoadTerms): boolean {
  return describe(one, other) === '';
}

function describe(from: LoadTerms, to: LoadTerms): string {
  const parts = [
    from.ratePerSecond === to.ratePerSecond ? [] : [`${from.ratePerSecond ?? 0}/s to ${to.ratePerSecond ?? 0}/s`],
    from.workers === to.workers ? [] : [`workers ${from.workers ?? 'derived'} to ${to.workers ?? 'derived'}`],
    from.durationMs === to.durationMs ? [] : [`duration ${from.durationMs / 1000} s to ${to.durationMs / 1000} s`],
  ];
  return parts.flat().join(', ');
}

/** Whether the plans differ in rate, users and duration at most. */
export function differInLoadAlone(one: Plan, other: Plan): boolean {
  if (one.load.model !== other.load.model) return false;
  return rest(one) === rest(other);
}

function rest(plan: Plan): string {
  return JSON.stringify({ ...plan, durationMs: null, load: null, workers: null }, inKeyOrder);
}

/** One of the plans has come through the log, where its fields may stand in another order. */
function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
