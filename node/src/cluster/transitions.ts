import type { DrainOrder, LostSpan, RunPhase, StartInstant } from './state.ts';

/** What moves a run on. Each is caused by a command; the reducer has no clock. */
export type PhaseEvent =
  | { readonly kind: 'everyoneAcknowledged' }
  | { readonly kind: 'startScheduled'; readonly start: StartInstant }
  | { readonly kind: 'startReached' }
  | { readonly kind: 'drainOrdered'; readonly stop: DrainOrder }
  | { readonly kind: 'settled'; readonly lostSpans: readonly LostSpan[] }
  | {
      readonly kind: 'aborted';
      readonly reason: string;
      readonly endMs: number;
      readonly lostSpans: readonly LostSpan[];
    };

/**
 * The one place that knows the way of a run: preparing → ready → scheduled → running → draining → finished, and from each
 * but the last `aborted`. Null: there is no such edge, and the run stays where it is.
 */
export function transition(phase: RunPhase, event: PhaseEvent): RunPhase | null {
  switch (event.kind) {
    case 'everyoneAcknowledged':
      return phase.name === 'preparing' ? { name: 'ready' } : null;
    case 'startScheduled':
      return phase.name === 'ready' ? { name: 'scheduled', start: event.start } : null;
    case 'startReached':
      return phase.name === 'scheduled' ? { name: 'running', start: phase.start } : null;
    case 'drainOrdered':
      return phase.name === 'running' ? { name: 'draining', start: phase.start, stop: event.stop } : null;
    case 'settled':
      if (phase.name !== 'draining') return null;
      return { name: 'finished', start: phase.start, stop: phase.stop, lostSpans: event.lostSpans };
    case 'aborted':
      if (isOver(phase)) return null;
      return { name: 'aborted', reason: event.reason, endMs: event.endMs, lostSpans: event.lostSpans };
  }
}

/** Nothing is accepted for a run that is over. */
export function isOver(phase: RunPhase): boolean {
  return phase.name === 'finished' || phase.name === 'aborted';
}
