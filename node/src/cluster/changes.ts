import type { Command, CommandResult } from './commands.ts';
import type { ClusterState, Run } from './state.ts';
import { transition, type PhaseEvent } from './transitions.ts';

export interface Applied {
  readonly state: ClusterState;
  readonly result: CommandResult;
}

export type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;
/** The run as it becomes, or why it stays as it is. */
export type Changed = Run | string;

export function moved(run: Run, event: PhaseEvent): Changed {
  const phase = transition(run.phase, event);
  return phase === null ? `run ${run.id} is ${run.phase.name}: no ${event.kind} now` : { ...run, phase };
}

export function notNow(run: Run, what: string): string {
  return `run ${run.id} is ${run.phase.name}: it ${what}`;
}

export function refused(state: ClusterState, message: string): Applied {
  return { state, result: { ok: false, code: 'STALE_COMMAND', message } };
}
