import { moved, notNow, refused, type Applied, type Changed } from './changes.ts';
import type { Command } from './commands.ts';
import { countIntervals } from './count-intervals.ts';
import { assignStripes, extendHorizon, scheduleStart } from './horizon.ts';
import { changeLoad } from './load-change.ts';
import { acknowledge, retryPrepare } from './preparing.ts';
import { lostSpans, plannedEndMs } from './settle.ts';
import { noteSource } from './sources.ts';
import type { ClusterState, LostSpan, Run } from './state.ts';
import { submitRun } from './submissions.ts';
import { isOver } from './transitions.ts';

export type { Applied } from './changes.ts';
export { decodeCommand, encodeCommand } from './codec.ts';

export const initialState: ClusterState = { run: null, submissions: [], sources: [], sourceProblem: null };

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
  if (command.kind === 'noteSource') return noteSource(state, command);
  const { run } = state;
  if (run === null || run.id !== command.runId) {
    const message = run === null ? 'there is no run' : `the run is ${run.id}, not ${command.runId}`;
    return { state, result: { ok: false, code: 'RUN_NOT_FOUND', message } };
  }
  if (isOver(run.phase)) return refused(state, `run ${run.id} is ${run.phase.name}`);
  if (command.kind === 'changeLoad') return changeLoad(state, run, command);
  const next = applyToRun(run, command);
  if (typeof next === 'string') return refused(state, next);
  return { state: next === run ? state : { ...state, run: next }, result: { ok: true, runId: run.id } };
}

type RunCommand = Exclude<Command, { kind: 'submitRun' | 'noteSource' | 'changeLoad' }>;

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
      return extendHorizon(run, command);
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

/**
 * After an abort nothing is counted any more: what is missing of a run that had begun is settled with it. One whose start was
 * scheduled and of which nothing was heard may have begun all the same, up to its first horizon, wherever the abort came late.
 */
function settledAtOnce(run: Run): { readonly endMs: number; readonly lostSpans: readonly LostSpan[] } {
  if (!isStarted(run)) return { endMs: 0, lostSpans: [] };
  const isUnheard = run.phase.name === 'scheduled' && run.agents.length === 0;
  const endMs = isUnheard ? run.horizonMs : plannedEndMs(run);
  return { endMs, lostSpans: lostSpans(run, endMs) };
}

function isStarted(run: Run): boolean {
  return run.phase.name === 'scheduled' || run.phase.name === 'running' || run.phase.name === 'draining';
}
