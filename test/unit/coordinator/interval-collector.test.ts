import { describe, expect, it } from 'vitest';
import type { IntervalMessage } from '../../../node/src/cluster/agent-messages.ts';
import { slotOf, type AgentProgress, type Run } from '../../../node/src/cluster/state.ts';
import { IntervalCollector } from '../../../node/src/coordinator/interval-collector.ts';
import { maxCollectedPerAgent } from '../../../node/src/coordinator/timings.ts';
import { emptyBooks } from '../../../node/src/results/measurements.ts';

const a = { node: 'a', session: 's1', region: 'north' };
const b = { node: 'b', session: 's2', region: 'south' };

function message(agent: typeof a, numbers: readonly number[], generators = 1): IntervalMessage {
  const cuts = numbers.map((number) => ({
    number,
    final: false,
    books: emptyBooks(),
    inFlight: 0,
    measurements: { scenarios: [] },
  }));
  return { runId: 'run', agent, start: null, generators, isEnding: false, cuts };
}

/** Only what the collector reads of a run. */
function runWith(watermarks: readonly (readonly [typeof a, number, boolean?])[]): Run {
  const agents = watermarks.map(([agent, lastInterval, final]) => ({ agent, lastInterval, final: final ?? false }));
  return { id: 'run', agents: agents as unknown as readonly AgentProgress[] } as Run;
}
const numbers = (collector: IntervalCollector, run: Run, limit?: number): readonly string[] =>
  collector.next(run, limit).map(({ agent, cut }) => `${agent.node}${cut.number}`);

describe('IntervalCollector', () => {
  it('goes on from the watermark in the state without gaps, whatever order the intervals came in', () => {
    const collector = new IntervalCollector();
    collector.take(message(a, [6, 8]), 0);
    collector.take(message(a, [5]), 0);
    expect(numbers(collector, runWith([[a, 4]]))).toEqual(['a5', 'a6']);
    expect(numbers(collector, runWith([[a, 5]]))).toEqual(['a6']);
    expect(numbers(collector, runWith([[a, 6]]))).toEqual([]);
    expect(numbers(collector, runWith([[a, 7]]))).toEqual(['a8']);
  });

  it('begins an agent that the state does not know with the first of its message: it may have joined late', () => {
    const collector = new IntervalCollector();
    collector.take(message(b, [7, 8]), 0);
    expect(numbers(collector, runWith([]))).toEqual(['b7', 'b8']);
  });

  it('takes a batch of no more than its limit, from all agents in turn', () => {
    const collector = new IntervalCollector();
    collector.take(message(a, [0, 1]), 0);
    collector.take(message(b, [0, 1]), 0);
    expect(numbers(collector, runWith([]), 3)).toEqual(['a0', 'a1', 'b0']);
  });

  it('gives nothing after an agent’s last interval', () => {
    const collector = new IntervalCollector();
    collector.take(message(a, [3, 4]), 0);
    expect(numbers(collector, runWith([[a, 3, true]]))).toEqual([]);
  });

  it('keeps a bounded number per agent and refuses the rest, which the agent keeps', () => {
    const collector = new IntervalCollector();
    const many = Array.from({ length: maxCollectedPerAgent }, (_, number) => number);
    expect(collector.take(message(a, many), 0)).toBe(true);
    expect(collector.take(message(a, [many.length]), 0)).toBe(false);
    expect(collector.take(message(a, [0]), 0)).toBe(true);
    expect(collector.take(message(b, [0]), 0)).toBe(true);
  });

  it('knows who was heard when, and who said that it can no longer fire', () => {
    const collector = new IntervalCollector();
    collector.take(message(a, [0], 0), 70);
    expect(collector.lastHeardMs(slotOf(a))).toBe(70);
    expect(collector.whyNotFiring(slotOf(a))).toBe('has no generator left');
    expect(collector.lastHeardMs(slotOf(b))).toBeNull();
    expect(collector.whyNotFiring(slotOf(b))).toBeNull();
    collector.take({ ...message(b, []), isEnding: true }, 90);
    expect(collector.whyNotFiring(slotOf(b))).toBe('is ending');
  });

  it('forgets a run when another one begins', () => {
    const collector = new IntervalCollector();
    collector.take(message(a, [0]), 0);
    expect(collector.next({ ...runWith([]), id: 'another' })).toEqual([]);
    expect(numbers(collector, runWith([]))).toEqual([]);
  });
});
