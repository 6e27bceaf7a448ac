import { describe, expect, it } from 'vitest';
import type { RunPhase } from '../../../node/src/cluster/state.ts';
import { transition, type PhaseEvent } from '../../../node/src/cluster/transitions.ts';

const start = { leader: 'a', term: 1, leaderMs: 5 };
const stop = { reason: 'completed', atMs: 10, deadlineMs: 20 } as const;
const phases: readonly RunPhase[] = [
  { name: 'preparing' },
  { name: 'ready' },
  { name: 'scheduled', start },
  { name: 'running', start },
  { name: 'draining', start, stop },
  { name: 'finished', start, stop, lostSpans: [] },
  { name: 'aborted', reason: 'first', endMs: 0, lostSpans: [] },
];
const events: readonly PhaseEvent[] = [
  { kind: 'everyoneAcknowledged' },
  { kind: 'startScheduled', start },
  { kind: 'startReached' },
  { kind: 'drainOrdered', stop },
  { kind: 'settled', lostSpans: [] },
  { kind: 'aborted', reason: 'late', endMs: 0, lostSpans: [] },
];

describe('the way of a run', () => {
  it('preparing → ready → scheduled → running → draining → finished, aborted from each but the last, and nothing else', () => {
    const edges = phases.flatMap((phase) =>
      events.flatMap((event) => {
        const next = transition(phase, event);
        return next === null ? [] : [`${phase.name} → ${next.name}`];
      }),
    );
    expect(edges.toSorted()).toEqual(
      [
        'preparing → ready',
        'ready → scheduled',
        'scheduled → running',
        'running → draining',
        'draining → finished',
        ...['preparing', 'ready', 'scheduled', 'running', 'draining'].map((name) => `${name} → aborted`),
      ].toSorted(),
    );
  });

  it('keeps the instant of the start and the order of the end, whatever came later', () => {
    expect(transition(phases[3]!, { kind: 'drainOrdered', stop })).toEqual({ name: 'draining', start, stop });
    expect(transition(phases[4]!, { kind: 'settled', lostSpans: [] })).toEqual(phases[5]);
  });
});
