import { moved, notNow, type Changed, type CommandOf } from './changes.ts';
import type { Run } from './state.ts';

/** Each takes longer than a horizon, 1.5 s: so many are half an hour without load, and nobody reads such a list to its end. */
const maxStandstills = 1_000;

export function scheduleStart(run: Run, command: CommandOf<'scheduleStart'>): Changed {
  const { start, startedAtUnixMs, slots, horizonMs } = command;
  // The instant lies on the clock of that leader in that term: another one's says nothing about when to start.
  if (start.term !== command.term) return `the start is of term ${start.term}, the command of ${command.term}`;
  const next = moved(run, { kind: 'startScheduled', start });
  if (typeof next === 'string') return next;
  return { ...next, startedAtUnixMs, tables: [{ fromMs: 0, slots }], horizonMs };
}

/**
 * Never back, nor beyond the end. One that is moved only after the run had reached it has held up all load since: nothing but a leader whose
 * commands are committed moves it, so for that long there was none.
 */
export function extendHorizon(run: Run, command: CommandOf<'extendHorizon'>): Changed {
  if (!isMoving(run)) return notNow(run, 'has no horizon to move');
  const { runMs } = command;
  const horizonMs = Math.min(command.horizonMs, run.plan.durationMs);
  if (horizonMs <= run.horizonMs) return run;
  const next: Run = { ...run, horizonMs, horizonMovedAtMs: runMs };
  if (runMs <= run.horizonMs || run.standstills.length >= maxStandstills) return next;
  const toMs = Math.min(runMs, run.plan.durationMs);
  const standstill = { agreedMs: run.horizonMovedAtMs, fromMs: run.horizonMs, toMs };
  return { ...next, standstills: [...run.standstills, standstill] };
}

/** No arrival at or beyond the horizon has been fired by anyone, so there the stripes can change hands. */
export function assignStripes(run: Run, command: CommandOf<'assignStripes'>): Changed {
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
