import { arrivalsBefore } from '../generator/schedule/arrivals.ts';
import { boundOf, termsAt, termsOf } from '../generator/schedule/course.ts';
import type { ReportInput, ReportNode } from '../results/build-report.ts';
import { emptyBooks } from '../results/measurements.ts';
import { addBooks, addStep, createStep } from '../results/merge.ts';
import type { RunProgress } from '../results/progress.ts';
import { neverBegan, plannedArrivals, plannedEndMs } from './settle.ts';
import { isOver } from './transitions.ts';
import { slotOf, type AgentProgress, type AgentRef, type LostSpan, type Run } from './state.ts';

/** Whether the agent of a slot is there to fire. */
type IsThere = (slot: string) => boolean;
const everyone: IsThere = () => true;

/**
 * What `buildReport` needs of a run, finished or not. `isThere`: whether the agent of a slot is there to fire, which only a
 * leader can tell; without it everyone is taken to be.
 */
export function reportInput(run: Run, isThere: IsThere = everyone): ReportInput {
  const { phase, plan } = run;
  const durationMs = phase.name === 'finished' ? plannedEndMs(run) : measuredMs(run);
  return {
    run: {
      id: run.id,
      planHash: run.planHash,
      submission: run.submissionId,
      planName: plan.metadata.name,
      tenant: plan.metadata.tenant,
      state: phase.name,
      startedAt: run.startedAtUnixMs === null ? null : new Date(run.startedAtUnixMs).toISOString(),
      durationMs,
      plannedDurationMs: plan.durationMs,
      ended: endedOf(run),
    },
    plan,
    settled: isOver(phase),
    neverBegan: neverBegan(run),
    nodesFiring: phase.name === 'running' ? firingSlots(run, isThere).length : null,
    planned: plannedArrivals(run),
    users: plan.load.model === 'concurrent' ? meanUsers(run, durationMs) : null,
    regions: run.regions,
    nodes: reportNodes(run),
    missing: run.missing,
    withoutMajority: standstills(run),
    stripeChanges: run.changes,
    loadChanges: run.tables.flatMap(({ fromMs, terms }) => (terms === undefined ? [] : [{ fromMs, ...terms }])),
    firedPerSecond: run.firedPerSecond,
    endedPerSecond: run.endedPerSecond,
  };
}

/** Up to a run time: what they are, or were on average where they changed. */
function meanUsers({ plan, tables }: Run, untilMs: number): number {
  if (untilMs === 0 || !tables.some(({ terms }) => terms !== undefined)) return boundOf(termsOf(plan));
  const userMs = tables.reduce((sum, { fromMs }, position) => {
    const toMs = Math.min(tables[position + 1]?.fromMs ?? Infinity, untilMs);
    return sum + boundOf(termsAt(plan, tables, position)) * Math.max(0, toMs - fromMs);
  }, 0);
  return userMs / untilMs;
}

function standstills({ plan: { load }, standstills: all }: Run): ReportInput['withoutMajority'] {
  const due = (fromMs: number, toMs: number): number | null =>
    load.model === 'concurrent' ? null : arrivalsBefore(load, toMs) - arrivalsBefore(load, fromMs);
  return all.map((each) => ({ ...each, arrivals: due(each.fromMs, each.toMs) }));
}

/** How far the counted intervals reach into the planned load. */
function measuredMs(run: Run): number {
  return Math.min(plannedEndMs(run), run.firedPerSecond.length * 1_000);
}

function endedOf({ phase }: Run): string | null {
  if (phase.name === 'aborted') return phase.reason;
  return phase.name === 'finished' ? phase.stop.reason : null;
}

/** Every agent that was heard, and every one that was lost without a word. */
function reportNodes(run: Run): readonly ReportNode[] {
  const lost = new Map<string, LostSpan>(
    'lostSpans' in run.phase ? run.phase.lostSpans.map((span) => [slotOf(span.agent), span]) : [],
  );
  const heard = new Set(run.agents.map((progress) => slotOf(progress.agent)));
  const silent = [...lost.values()].filter((span) => !heard.has(slotOf(span.agent)));
  return [
    ...run.agents.map((progress) => reportNode(run, progress, lost.get(slotOf(progress.agent)) ?? null)),
    ...silent.map((span) => reportNode(run, unheard(span.agent), span)),
  ].sort(bySlot);
}

function bySlot(a: Omit<AgentRef, 'region'>, b: Omit<AgentRef, 'region'>): number {
  return slotOf(a) < slotOf(b) ? -1 : 1;
}

function unheard(agent: AgentRef): AgentProgress {
  return { agent, lastInterval: -1, intervals: 0, final: false, books: emptyBooks(), inFlight: 0, start: null };
}

function reportNode(run: Run, progress: AgentProgress, span: LostSpan | null): ReportNode {
  const { agent, intervals, lastInterval, final, books, inFlight, start } = progress;
  const isAborted = run.phase.name === 'aborted';
  const incomplete = isAborted ? 'aborted' : span === null ? 'running' : 'lost';
  return {
    ...agent,
    intervals,
    lastInterval,
    state: final && span === null ? 'finished' : incomplete,
    lost: span === null ? null : { fromMs: span.fromMs, toMs: span.toMs, arrivals: span.arrivals },
    clockErrorMs: start?.clockErrorMs ?? null,
    startedLateMs: start?.startedLateMs ?? null,
    books,
    inFlight,
  };
}

/**
 * `elapsedMs`: run time as the node that answers knows it; 0 before the start. Ends at the end of the planned load. `isThere`
 * as in `reportInput`.
 */
export function runProgress(run: Run, elapsedMs: number, isThere: IsThere = everyone): RunProgress {
  const books = emptyBooks();
  for (const progress of run.agents) addBooks(books, progress.books);
  const { fired, answered, failed, dropped } = books;
  const inFlight = run.agents.reduce((sum, progress) => sum + progress.inFlight, 0);
  const every = createStep();
  for (const { measurements } of run.regions) {
    for (const scenario of measurements.scenarios) for (const step of scenario.steps) addStep(every, step);
  }
  const quantileMs = (q: number): number | null =>
    every.responseUs.count === 0 ? null : every.responseUs.quantile(q) / 1_000;
  const durationMs = run.phase.name === 'aborted' ? run.plan.durationMs : plannedEndMs(run);
  const nodesFiring = firingSlots(run, isOver(run.phase) ? everyone : isThere).length;
  const isSilent = run.phase.name === 'running' && nodesFiring === 0;
  const withinMs = Math.min(durationMs, Math.max(0, elapsedMs));
  return {
    runId: run.id,
    state: run.phase.name,
    reason: endedOf(run),
    planHash: run.planHash,
    planName: run.plan.metadata.name,
    tenant: run.plan.metadata.tenant,
    elapsedMs: withinMs,
    durationMs,
    percent: durationMs === 0 ? 100 : (withinMs / durationMs) * 100,
    iterations: { fired, answered, failed, dropped, inFlight },
    requests: every.requests,
    failedRequests: every.failed,
    iterationsPerSecond: isSilent ? 0 : (run.firedPerSecond[lastWholeSecond(run)] ?? 0),
    nodesFiring,
    responseMsP50: quantileMs(0.5),
    responseMsP99: quantileMs(0.99),
    nodes: progressNodes(run),
  };
}

function firingSlots(run: Run, isThere: IsThere): readonly string[] {
  return (run.tables.at(-1)?.slots ?? []).filter(isThere);
}

/** The last second of which every agent that fires has reported; a later one would show a share as the whole. */
function lastWholeSecond(run: Run): number {
  const firing = run.agents.filter((progress) => !progress.final && isInStripes(run, progress.agent));
  const last = Math.min(...firing.map((progress) => progress.lastInterval), Math.ceil(plannedEndMs(run) / 1_000) - 1);
  return Math.min(last, run.firedPerSecond.length - 1);
}

function isInStripes(run: Run, agent: AgentRef): boolean {
  return run.tables.at(-1)?.slots.includes(slotOf(agent)) ?? false;
}

/** Who was asked, who joined, who was heard: each agent once. */
function progressNodes(run: Run): RunProgress['nodes'] {
  const heard = new Map(run.agents.map((progress) => [slotOf(progress.agent), progress]));
  const acknowledged = run.acknowledgements.filter((each) => each.outcome.ok).map((each) => each.agent);
  const ready = new Set(acknowledged.map(slotOf));
  const all = new Map(
    [...run.expected, ...acknowledged, ...run.agents.map((progress) => progress.agent)].map((agent) => [
      slotOf(agent),
      agent,
    ]),
  );
  return [...all.values()].sort(bySlot).map((agent) => ({
    node: agent.node,
    region: agent.region,
    acknowledged: ready.has(slotOf(agent)),
    lastInterval: heard.get(slotOf(agent))?.lastInterval ?? -1,
    inStripes: isInStripes(run, agent),
  }));
}
