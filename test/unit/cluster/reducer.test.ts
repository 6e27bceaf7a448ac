import { describe, expect, it } from 'vitest';
import { encodeSnapshot } from '../../../node/src/cluster/snapshot.ts';
import { a, agents, b, c, durationMs, interval, measuredBy, refusalOf, Script } from './script.ts';

describe('fencing', () => {
  it('a command of another term than its entry changes nothing', () => {
    const script = Script.running();
    const before = script.state;
    expect(refusalOf(script.commit({ kind: 'abortRun', runId: 'run-1', reason: 'x', term: 1 }, 2))).toBe(
      'STALE_COMMAND',
    );
    expect(script.state).toBe(before);
  });

  it('a command for another run changes nothing', () => {
    const script = Script.running();
    expect(refusalOf(script.do({ kind: 'abortRun', runId: 'run-0', reason: 'x' }))).toBe('RUN_NOT_FOUND');
    expect(refusalOf(new Script().abort())).toBe('RUN_NOT_FOUND');
  });

  it('a start of another term than the command is refused', () => {
    const script = new Script();
    script.submit();
    for (const agent of agents) script.acknowledge(agent);
    const start = { leader: 'a', term: 9, leaderMs: 1 };
    const result = script.do({
      kind: 'scheduleStart',
      runId: 'run-1',
      start,
      startedAtUnixMs: 2,
      slots: ['a/s1'],
      horizonMs: 1,
    });
    expect(refusalOf(result)).toBe('STALE_COMMAND');
  });
});

describe('preparing', () => {
  it('is ready once everyone expected has acknowledged well, each counted once', () => {
    const script = new Script();
    script.submit();
    script.acknowledge(a);
    script.acknowledge(a);
    script.acknowledge(b);
    expect(script.run.phase.name).toBe('preparing');
    expect(script.run.acknowledgements.length).toBe(2);
    script.acknowledge(c);
    expect(script.run.phase.name).toBe('ready');
  });

  it('a failure is kept with its step and holds the run until the next attempt, which starts afresh', () => {
    const script = new Script();
    script.submit();
    script.acknowledge(a);
    script.acknowledge(b);
    script.acknowledge(c, false);
    expect(script.run.phase.name).toBe('preparing');
    expect(script.run.acknowledgements[2]!.outcome).toEqual({ ok: false, step: 'generators', message: 'no memory' });
    expect(script.do({ kind: 'retryPrepare', runId: 'run-1', attempt: 2, expected: [a, b] }).ok).toBe(true);
    expect(script.run).toMatchObject({ attempt: 2, acknowledgements: [], expected: [a, b], missing: ['c'] });
    expect(refusalOf(script.do({ kind: 'retryPrepare', runId: 'run-1', attempt: 2, expected: [a] }))).toBe(
      'STALE_COMMAND',
    );
    expect(refusalOf(script.acknowledge(a, true, 1))).toBe('STALE_COMMAND');
    script.acknowledge(a, true, 2);
    script.acknowledge(b, true, 2);
    expect(script.run.phase.name).toBe('ready');
  });

  it('an agent nobody expected joins by acknowledging while the run is on, not while it drains', () => {
    const script = Script.running();
    const late = { node: 'd', session: 's9', region: 'eu' };
    expect(script.acknowledge(late).ok).toBe(true);
    expect(script.run.acknowledgements.at(-1)!.agent).toEqual(late);
    script.drain();
    expect(refusalOf(script.acknowledge({ ...late, session: 's10' }))).toBe('STALE_COMMAND');
  });
});

describe('start, horizon and stripes', () => {
  it('the first start counts', () => {
    const script = Script.running();
    const before = script.run.phase;
    expect(refusalOf(script.schedule(['b/s1'], 9_000))).toBe('STALE_COMMAND');
    expect(script.run).toMatchObject({ phase: before, horizonMs: 1_500 });
  });

  it('the horizon never goes back', () => {
    const script = Script.running();
    script.extend(2_000);
    script.extend(1_000);
    expect(script.run.horizonMs).toBe(2_000);
  });

  it('notes when the run stood at its horizon for want of a leader, and for how long nothing was agreed on', () => {
    const script = Script.running();
    script.extend(1_750, 250);
    script.extend(3_000, 1_500);
    expect(script.run.standstills).toEqual([]);
    script.extend(5_900, 4_400);
    script.extend(6_000, 4_650);
    expect(script.run.standstills).toEqual([{ agreedMs: 1_500, fromMs: 3_000, toMs: 4_400 }]);
  });

  it('that stood to the end of the plan stood no longer than that', () => {
    const script = Script.running();
    script.extend(durationMs, durationMs + 60_000);
    expect(script.run.standstills).toEqual([{ agreedMs: 0, fromMs: 1_500, toMs: durationMs }]);
  });

  it('a table takes effect at the horizon as it stands when it is applied; the same slots again are no new table', () => {
    const script = Script.running();
    script.extend(2_250);
    for (let twice = 0; twice < 2; twice++) {
      script.do({ kind: 'assignStripes', runId: 'run-1', slots: ['a/s1', 'c/s1'], reason: 'b is gone' });
      script.extend(3_000);
    }
    expect(script.run.tables).toEqual([
      { fromMs: 0, slots: ['a/s1', 'b/s1', 'c/s1'] },
      { fromMs: 2_250, slots: ['a/s1', 'c/s1'] },
    ]);
    expect(script.run.changes).toEqual([{ fromMs: 2_250, reason: 'b is gone' }]);
  });

  it('before the start there is neither', () => {
    const script = new Script();
    script.submit();
    expect(refusalOf(script.extend(1_000))).toBe('STALE_COMMAND');
    expect(refusalOf(script.do({ kind: 'assignStripes', runId: 'run-1', slots: ['a/s1'], reason: '' }))).toBe(
      'STALE_COMMAND',
    );
    expect(refusalOf(script.count(interval(a, 0)))).toBe('STALE_COMMAND');
  });
});

describe('countIntervals', () => {
  it('merges by region and remembers watermark, books and the picture by second', () => {
    const script = Script.running();
    script.count(interval(a, 0, { fired: 10, answered: 8 }, false, 2), interval(c, 0, { fired: 5, failed: 5 }));
    script.count(interval(a, 1, { fired: 7, answered: 9 }));
    expect(script.run.agents[0]).toMatchObject({
      lastInterval: 1,
      intervals: 2,
      books: { fired: 17, answered: 17 },
      inFlight: 0,
    });
    expect(
      script.run.regions.map(({ region, measurements }) => [region, measurements.scenarios[0]!.steps[0]!.requests]),
    ).toEqual([
      ['eu', 17],
      ['us', 5],
    ]);
    expect(script.run.firedPerSecond).toEqual([15, 7]);
    expect(script.run.endedPerSecond).toEqual([13, 9]);
  });

  it.each([
    ['one that is in already', [interval(a, 0)]],
    ['one beyond the watermark', [interval(a, 2)]],
    ['the same one twice in the batch', [interval(a, 1), interval(a, 1)]],
    ['one after the last', [interval(b, 1)]],
    ['one of an agent that has not acknowledged', [interval({ ...a, session: 's2' }, 0)]],
    ['one with an absurd number', [interval(c, 10_000_000)]],
  ])('refuses the batch whole with %s in it', (_what, bad) => {
    const script = Script.running();
    script.count(interval(a, 0, { fired: 1 }), interval(b, 0, { fired: 1 }, true));
    const before = encodeSnapshot(script.state);
    expect(refusalOf(script.count(...bad, interval(c, 0, { fired: 9 })))).toBe('STALE_COMMAND');
    expect(refusalOf(script.count(interval(c, 0, { fired: 9 }), ...bad))).toBe('STALE_COMMAND');
    expect(encodeSnapshot(script.state)).toEqual(before);
  });

  it('an agent that joined late begins with any number', () => {
    const script = Script.running();
    expect(script.count(interval(a, 4)).ok).toBe(true);
    expect(script.run.agents[0]).toMatchObject({ lastInterval: 4, intervals: 1 });
    expect(refusalOf(script.count(interval(a, 4)))).toBe('STALE_COMMAND');
  });

  it('refuses measurements that cannot be read or do not have the shape of the plan, on every node alike', () => {
    const script = Script.running();
    const whole = measuredBy([interval(a, 0, { fired: 1 })]);
    for (const measurements of [[], [whole[0]!, whole[0]!], [{ ...whole[0]!, duration: '*' }]]) {
      const intervals = [interval(a, 0)];
      const result = script.do({
        kind: 'countIntervals',
        runId: 'run-1',
        intervals,
        regions: [{ region: 'eu', measurements }],
      });
      expect(refusalOf(result)).toBe('STALE_COMMAND');
    }
  });
});
