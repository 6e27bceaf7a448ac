import type { Command, CommandResult } from './commands.ts';
import { countIntervals } from './count-intervals.ts';
import { lostSpans, plannedEndMs } from './settle.ts';
import { slotOf, type ClusterState, type LostSpan, type Run, type SourceDecision, type Submission } from './state.ts';
import { isOver, transition, type PhaseEvent } from './transitions.ts';

export { decodeCommand, encodeCommand } from './codec.ts';

/** Submission ids remembered: a client that retries does so within minutes, and a hundred runs take hours. */
const maxSubmissions = 100;
/** One for each node that ever had a plan file: far more than a cluster has members. */
const maxSources = 100;

export interface Applied {
  readonly state: ClusterState;
  readonly result: CommandResult;
}

export const initialState: ClusterState = { run: null, submissions: [], sources: [] };

/**
 * The one way the replicated value changes: a pure function of the committed commands, in log order, the same on every node.
 * The state that is given is never touched; a refusal gives it back as it is. `at` is where the command stands in the log:
 * an entry of another term than the command's was proposed by a leader that had lost its office (fencing).
 */
export function apply(
  state: ClusterState,
  command: Command,
  at: { readonly index: number; readonly term: number },
): Applied {
  if (command.term !== at.term) {
    return refused(state, `made in term ${command.term}, but entry ${at.index} is of term ${at.term}`);
  }
  if (command.kind === 'submitRun') return submitRun(state, command);
  const { run } = state;
  if (run === null || run.id !== command.runId) {
    const message = run === null ? 'there is no run' : `the run is ${run.id}, not ${command.runId}`;
    return { state, result: { ok: false, code: 'RUN_NOT_FOUND', message } };
  }
  if (isOver(run.phase)) return refused(state, `run ${run.id} is ${run.phase.name}`);
  const next = applyToRun(run, command);
  if (typeof next === 'string') return refused(state, next);
  return { state: next === run ? state : { ...state, run: next }, result: { ok: true, runId: run.id } };
}

type RunCommand = Exclude<Command, { kind: 'submitRun' }>;
type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;
/** The run as it becomes, or why it stays as it is. */
type Changed = Run | string;

function applyToRun(run: Run, command: RunCommand): Changed {
  switch (command.kind) {
    case 'acknowledge':
      return acknowledge(run, command);
    case 'retryPrepare':
      return retryPrepare(run, command);
    case 'scheduleStart':
      return scheduleStart(run, command);
    case 'markRunning':
      return moved(run, { kind: 'startReached' });
    case 'extendHorizon':
      if (!isMoving(run)) return notNow(run, 'has no horizon to move');
      return command.horizonMs > run.horizonMs ? { ...run, horizonMs: command.horizonMs } : run;
    case 'assignStripes':
      return assignStripes(run, command);
    case 'countIntervals': {
      if (!isStarted(run)) return notNow(run, 'has no intervals yet');
      const counted = countIntervals(run, command);
      return counted.ok ? counted.run : counted.why;
    }
    case 'beginDraining':
      // Somebody may have fired up to the horizon: an end before it would leave arrivals nobody planned.
      if (command.stop.atMs < Math.min(run.horizonMs, run.plan.durationMs)) {
        return `the end at ${command.stop.atMs} ms lies before the horizon, ${run.horizonMs} ms`;
      }
      return moved(run, { kind: 'drainOrdered', stop: command.stop });
    case 'finishRun':
      if (run.phase.name !== 'draining') return notNow(run, 'cannot finish');
      return moved(run, { kind: 'settled', lostSpans: lostSpans(run) });
    case 'abortRun':
      return moved(run, { kind: 'aborted', reason: command.reason, ...settledAtOnce(run) });
  }
}

/** A retry is the run it was; another plan under a used id must not be taken for accepted. */
function resubmitted({ submissionId, runId, planHash }: Submission, again: string): CommandResult {
  if (again === planHash) return { ok: true, runId };
  const message = `${submissionId} was used for another plan (run ${runId}): give a new plan a new key`;
  return { ok: false, code: 'KEY_REUSED', message };
}

/** A person who is refused tries again and knows it; of a source the first answer stands, whatever comes later (ADR 83). */
function submitRun(state: ClusterState, command: CommandOf<'submitRun'>): Applied {
  const { source, submissionId, planHash } = command;
  const decided = state.sources.find((each) => each.submissionId === submissionId);
  const applied = decided === undefined ? createRun(state, command) : { state, result: asDecided(decided) };
  const { result } = applied;
  if (source === null || (!result.ok && result.code !== 'RUN_IN_PROGRESS')) return applied;
  const answer = result.ok ? { runId: result.runId, refusal: null } : { runId: null, refusal: result.message };
  const others = state.sources.filter((each) => each.source !== source);
  const sources = [...others, { source, submissionId, planHash, ...answer }].slice(-maxSources);
  return { state: { ...applied.state, sources }, result };
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
    agents: [],
    regions: [],
    firedPerSecond: [],
    endedPerSecond: [],
  };
  const submissions = [...state.submissions, { submissionId, planHash, runId: id }].slice(-maxSubmissions);
  const sources = state.sources.map((each) =>
    each.runId === null && each.planHash === planHash ? { ...each, runId: id, refusal: null } : each,
  );
  return { state: { run, submissions, sources }, result: { ok: true, runId: id } };
}

/** Of the latest attempt, once per agent: the first one stands. An agent that was not expected joins. */
function acknowledge(run: Run, command: CommandOf<'acknowledge'>): Changed {
  const { acknowledgement } = command;
  if (run.phase.name === 'draining') return notNow(run, 'takes no further agents');
  if (acknowledgement.attempt !== run.attempt) {
    return `attempt ${acknowledgement.attempt} is not the latest one, ${run.attempt}`;
  }
  const slot = slotOf(acknowledgement.agent);
  if (run.acknowledgements.some((each) => slotOf(each.agent) === slot)) return run;
  const acknowledged: Run = { ...run, acknowledgements: [...run.acknowledgements, acknowledgement] };
  const prepared = new Set(
    acknowledged.acknowledgements.filter((each) => each.outcome.ok).map((each) => slotOf(each.agent)),
  );
  const everyone = run.expected.every((agent) => prepared.has(slotOf(agent)));
  if (!everyone || run.phase.name !== 'preparing') return acknowledged;
  return moved(acknowledged, { kind: 'everyoneAcknowledged' });
}

function retryPrepare(run: Run, command: CommandOf<'retryPrepare'>): Changed {
  if (run.phase.name !== 'preparing') return notNow(run, 'is prepared');
  if (command.attempt !== run.attempt + 1) return `attempt ${command.attempt} does not follow ${run.attempt}`;
  const { attempt, expected } = command;
  const kept = new Set(expected.map(slotOf));
  const dropped = run.expected.filter((agent) => !kept.has(slotOf(agent))).map((agent) => agent.node);
  return { ...run, attempt, expected, missing: [...run.missing, ...dropped], acknowledgements: [] };
}

function scheduleStart(run: Run, command: CommandOf<'scheduleStart'>): Changed {
  const { start, startedAtUnixMs, slots, horizonMs } = command;
  // The instant lies on the clock of that leader in that term: another one's says nothing about when to start.
  if (start.term !== command.term) return `the start is of term ${start.term}, the command of ${command.term}`;
  const next = moved(run, { kind: 'startScheduled', start });
  if (typeof next === 'string') return next;
  return { ...next, startedAtUnixMs, tables: [{ fromMs: 0, slots }], horizonMs };
}

/** No arrival at or beyond the horizon has been fired by anyone, so there the stripes can change hands. */
function assignStripes(run: Run, command: CommandOf<'assignStripes'>): Changed {
  if (!isMoving(run)) return notNow(run, 'has no stripes to change');
  const current = run.tables.at(-1)!.slots;
  if (current.length === command.slots.length && current.every((slot, index) => slot === command.slots[index]))
    return run;
  const fromMs = run.horizonMs;
  return {
    ...run,
    tables: [...run.tables, { fromMs, slots: command.slots }],
    changes: [...run.changes, { fromMs, reason: command.reason }],
  };
}

/** Once its end is ordered the whole stripe of every agent is settled: nothing may move it any more. */
function isMoving(run: Run): boolean {
  return run.phase.name === 'scheduled' || run.phase.name === 'running';
}

/** After an abort nothing is counted any more: what is missing of a run that had begun is settled with it. */
function settledAtOnce(run: Run): { readonly endMs: number; readonly lostSpans: readonly LostSpan[] } {
  // Scheduled and nothing heard: the instant was still to come, or so short ago that there is nothing to settle.
  const hasBegun = run.phase.name === 'running' || run.phase.name === 'draining' || run.agents.length > 0;
  return hasBegun ? { endMs: plannedEndMs(run), lostSpans: lostSpans(run) } : { endMs: 0, lostSpans: [] };
}

function isStarted(run: Run): boolean {
  return run.phase.name === 'scheduled' || run.phase.name === 'running' || run.phase.name === 'draining';
}

function moved(run: Run, event: PhaseEvent): Changed {
  const phase = transition(run.phase, event);
  return phase === null ? `run ${run.id} is ${run.phase.name}: no ${event.kind} now` : { ...run, phase };
}

function notNow(run: Run, what: string): string {
  return `run ${run.id} is ${run.phase.name}: it ${what}`;
}

function refused(state: ClusterState, message: string): Applied {
  return { state, result: { ok: false, code: 'STALE_COMMAND', message } };
}
