import { describe, expect, it } from 'vitest';
import { a, agents, b, c, closedPlanText, durationMs, interval, refusalOf, Script } from './script.ts';

describe('the end', () => {
  it('never lies before the horizon, up to which somebody may have fired', () => {
    const script = Script.running();
    script.extend(3_000);
    expect(refusalOf(script.drain('stopped', 2_999))).toBe('STALE_COMMAND');
    expect(script.run.phase.name).toBe('running');
    expect(refusalOf(script.drain('stopped', 3_000))).toBe('accepted');
    const late = Script.running();
    late.extend(durationMs + 1_000);
    expect(refusalOf(late.drain('completed', durationMs))).toBe('accepted');
  });

  it('once ordered, moves neither the horizon nor the stripes', () => {
    const script = Script.running();
    script.drain('stopped', 2_000);
    const before = script.run;
    expect(refusalOf(script.extend(4_000))).toBe('STALE_COMMAND');
    const table = script.do({ kind: 'assignStripes', runId: 'run-1', slots: ['a/s1'], reason: 'b is gone' });
    expect(refusalOf(table)).toBe('STALE_COMMAND');
    expect(script.run).toBe(before);
  });

  it('the first order to drain counts', () => {
    const script = Script.running();
    script.drain('stopped', 2_000);
    expect(refusalOf(script.drain('completed', 6_000))).toBe('STALE_COMMAND');
    expect(script.run.phase).toMatchObject({ name: 'draining', stop: { reason: 'stopped', atMs: 2_000 } });
  });

  it('settles every agent: finished, lost from the interval after its watermark, or never heard', () => {
    const script = Script.running();
    // 300 arrivals, 100 for each of the three: a sends all its intervals, b dies after its first two, c says nothing.
    for (let number = 0; number < 6; number++) {
      const books = { fired: number < 4 ? 17 : 16, answered: number < 4 ? 17 : 16 };
      script.count(interval(a, number, books, number === 5));
    }
    script.count(interval(b, 0, { fired: 17, answered: 17 }), interval(b, 1, { fired: 16, dropped: 1, answered: 16 }));
    script.drain();
    expect(script.finish().ok).toBe(true);
    expect(script.run.phase).toMatchObject({
      name: 'finished',
      lostSpans: [
        { agent: b, fromMs: 2_000, toMs: 6_000, arrivals: 66 },
        { agent: c, fromMs: 0, toMs: 6_000, arrivals: 100 },
      ],
    });
  });

  it('an agent that ended and was given a stripe again, before anybody knew, owes that one', () => {
    const script = Script.running();
    const tableOf = (slots: readonly string[], horizonMs: number): void => {
      script.do({ kind: 'assignStripes', runId: 'run-1', slots, reason: 'test' });
      script.extend(horizonMs);
    };
    tableOf(['a/s1', 'c/s1'], 3_000);
    tableOf(['a/s1', 'b/s1', 'c/s1'], 4_500);
    tableOf(['a/s1', 'c/s1'], 6_000);
    // 25 arrivals up to the table that took its stripe away, 25 of the 1.5 seconds that it had another one.
    script.count(interval(b, 0, { fired: 17 }), interval(b, 1, { fired: 8 }, true));
    script.drain();
    script.finish();
    const phase = script.run.phase;
    expect(phase.name === 'finished' && phase.lostSpans.filter(({ agent }) => agent.node === 'b')).toEqual([
      { agent: b, fromMs: 2_000, toMs: 4_500, arrivals: 25 },
    ]);
  });

  it('a lost agent owes its stripe up to the table that took it away, and not beyond a stop', () => {
    const script = Script.running();
    script.count(interval(b, 0, { fired: 17 }));
    script.extend(3_000);
    script.do({ kind: 'assignStripes', runId: 'run-1', slots: ['a/s1', 'c/s1'], reason: 'b is gone' });
    script.drain('stopped', 4_000);
    script.finish();
    const phase = script.run.phase;
    expect(phase.name === 'finished' && phase.lostSpans).toEqual([
      { agent: b, fromMs: 1_000, toMs: 3_000, arrivals: 33 },
      { agent: a, fromMs: 0, toMs: 4_000, arrivals: 75 },
      { agent: c, fromMs: 0, toMs: 4_000, arrivals: 75 },
    ]);
  });

  it('in a closed model the span is known and the arrivals are not', () => {
    const script = Script.running(closedPlanText);
    script.count(...agents.slice(1).map((agent) => interval(agent, 5, {}, true)));
    script.drain();
    script.finish();
    const phase = script.run.phase;
    expect(phase.name === 'finished' && phase.lostSpans).toEqual([
      { agent: a, fromMs: 0, toMs: durationMs, arrivals: null },
    ]);
  });

  it.each(['finished', 'aborted'] as const)('nothing is accepted for a run that is %s', (end) => {
    const script = Script.running();
    if (end === 'finished') {
      script.drain();
      script.finish();
    } else script.abort();
    const before = script.state;
    const results = [
      ...[script.acknowledge({ ...a, session: 's2' }), script.schedule(), script.extend(99_000)],
      ...[script.count(interval(a, 0)), script.drain(), script.finish(), script.abort()],
      script.do({ kind: 'markRunning', runId: 'run-1' }),
      script.do({ kind: 'assignStripes', runId: 'run-1', slots: ['a/s1'], reason: '' }),
      script.do({ kind: 'retryPrepare', runId: 'run-1', attempt: 2, expected: agents }),
    ];
    expect(results.map(refusalOf)).toEqual(results.map(() => 'STALE_COMMAND'));
    expect(script.state).toBe(before);
    expect(script.run.phase.name).toBe(end);
  });
});
