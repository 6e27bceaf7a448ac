import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apply, decodeCommand, encodeCommand, initialState } from '../../../node/src/cluster/reducer.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../node/src/cluster/snapshot.ts';
import {
  a,
  agents,
  b,
  c,
  closedPlanText,
  durationMs,
  interval,
  measuredBy,
  planOf,
  planText,
  refusalOf,
  Script,
} from './script.ts';

describe('submitRun', () => {
  it('the same submission id twice is one run, even after it has ended and another one is on', () => {
    const script = new Script();
    expect(script.submit()).toEqual({ ok: true, runId: 'run-1' });
    expect(script.submit('sub-1', 'run-2')).toEqual({ ok: true, runId: 'run-1' });
    script.abort();
    expect(script.submit('sub-2', 'run-2')).toEqual({ ok: true, runId: 'run-2' });
    expect(script.submit('sub-1', 'run-3')).toEqual({ ok: true, runId: 'run-1' });
    expect(script.run.id).toBe('run-2');
  });

  it('another plan under a used submission id is refused and starts nothing: it was not accepted before', () => {
    const script = new Script();
    script.submit();
    const result = script.submit('sub-1', 'run-2', `${planText}# another\n`);
    expect(result).toMatchObject({ ok: false, code: 'KEY_REUSED' });
    expect(result).toHaveProperty('message', expect.stringContaining('run-1'));
    script.abort();
    expect(script.submit('sub-1', 'run-2', `${planText}# another\n`).ok).toBe(false);
  });

  it('is refused while a run is on, naming it, and accepted once that is over', () => {
    const script = new Script();
    script.submit();
    const result = script.submit('sub-2', 'run-2');
    expect(result).toMatchObject({ ok: false, code: 'RUN_IN_PROGRESS' });
    expect(result).toHaveProperty('message', expect.stringContaining('run-1'));
    script.abort();
    expect(script.submit('sub-2', 'run-2').ok).toBe(true);
  });

  it('of a source is decided once: neither a hundred other runs nor the end of the one in its way let it begin later', () => {
    const script = new Script();
    expect(script.submit('file:1', 'run-1', planText, 'file of a').ok).toBe(true);
    for (let other = 2; other <= 120; other++) {
      script.do({ kind: 'abortRun', runId: script.run.id, reason: 'enough' });
      expect(script.submit(`sub-${other}`, `run-${other}`).ok).toBe(true);
    }
    expect(script.submit('file:1', 'run-999', planText, 'file of a')).toEqual({ ok: true, runId: 'run-1' });
    const other = `${planText}# another\n`;
    const refused = script.submit('file:2', 'run-999', other, 'file of a');
    expect(refused).toMatchObject({ ok: false, code: 'RUN_IN_PROGRESS' });
    script.do({ kind: 'abortRun', runId: 'run-120', reason: 'enough' });
    expect(script.submit('file:2', 'run-999', other, 'file of a')).toEqual(refused);
    expect(script.submit('file:2', 'run-999', other, 'file of b')).toEqual(refused);
    expect(script.run.id).toBe('run-120');
    expect(decodeSnapshot(encodeSnapshot(script.state))).toEqual(script.state);
    expect(script.state.sources).toMatchObject([
      { source: 'file of a', submissionId: 'file:2', runId: null },
      { source: 'file of b', submissionId: 'file:2', runId: null },
    ]);
  });

  it('of a plan that a source was refused, by whoever gives it, settles what was open of the source', () => {
    const script = new Script();
    script.submit();
    const other = `${planText}# another\n`;
    script.submit('file:2', 'run-2', other, 'file of a');
    script.abort();
    expect(script.submit('key:1', 'run-2', other).ok).toBe(true);
    expect(script.state.sources).toMatchObject([{ submissionId: 'file:2', runId: 'run-2' }]);
    script.do({ kind: 'abortRun', runId: 'run-2', reason: 'enough' });
    expect(script.submit('file:2', 'run-3', other, 'file of a')).toEqual({ ok: true, runId: 'run-2' });
  });

  it('never gives a run id twice', () => {
    const script = new Script();
    script.submit();
    script.abort();
    expect(refusalOf(script.submit('sub-2', 'run-1'))).toBe('STALE_COMMAND');
  });

  it('takes the plan as the leader understood it, whatever the rules of this version say to its text', () => {
    const script = new Script();
    const submission = { runId: 'run-1', submissionId: 'sub-1', source: null, planHash: 'h', submittedAtUnixMs: 1 };
    const plan = { ...planOf(planText), durationMs: 1_234 };
    const text = 'version: "7"\nof: a later version\n';
    const given = { kind: 'submitRun', ...submission, expected: agents, missing: [], planText: text, plan } as const;
    expect(script.do(given)).toEqual({ ok: true, runId: 'run-1' });
    expect(script.run.plan).toEqual(plan);
    expect(decodeSnapshot(encodeSnapshot(script.state)).run!.plan).toEqual(plan);
  });

  it('with a plan of another shape stops the node, by the entry: another version made it', () => {
    const script = new Script();
    script.submit();
    const command = JSON.parse(new TextDecoder().decode(script.log[0]!.data)) as { plan: object };
    for (const plan of [
      { ...command.plan, thresholds: [] },
      { ...command.plan, durationMs: undefined },
    ]) {
      const bytes = new TextEncoder().encode(JSON.stringify({ ...command, plan }));
      expect(() => decodeCommand(bytes, 7)).toThrow(/the command of entry 7 is unknown/);
    }
  });

  it('carries every kind of plan through the log as it is', () => {
    for (const name of readdirSync('examples').filter((each) => each.endsWith('.yaml'))) {
      const script = new Script();
      const text = readFileSync(`examples/${name}`, 'utf8');
      script.submit('sub-1', 'run-1', text);
      expect(script.run.plan, name).toEqual(planOf(text));
    }
  });

  it('remembers the newest 100 submissions', () => {
    const script = new Script();
    for (let n = 0; n < 103; n++) {
      const [runId, submissionId] = [`run-${n}`, `sub-${n}`];
      script.do({
        kind: 'submitRun',
        runId,
        submissionId,
        source: null,
        planText,
        plan: planOf(planText),
        planHash: 'h',
        expected: agents,
        missing: [],
        submittedAtUnixMs: n,
      });
      script.do({ kind: 'abortRun', runId, reason: 'next' });
    }
    expect(script.state.submissions.length).toBe(100);
    expect(script.state.submissions[0]).toMatchObject({ submissionId: 'sub-3', runId: 'run-3' });
  });
});

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

describe('the bytes of a command', () => {
  it('come back as they were', () => {
    const command = { kind: 'extendHorizon', runId: 'run-1', horizonMs: 1_500.25, runMs: 0.25, term: 3 } as const;
    expect(decodeCommand(encodeCommand(command), 7)).toEqual(command);
  });

  it.each(['', 'no json', '{}', '{"kind":"selfDestruct","term":1}', '{"kind":"finishRun","term":1,"runId":"r","x":1}'])(
    'that cannot be read break an invariant naming the entry: %j',
    (text) => {
      expect(() => decodeCommand(new TextEncoder().encode(text), 41)).toThrow(/invariant violated.*entry 41/s);
    },
  );

  it('that could not be read back are never written', () => {
    const command = { kind: 'extendHorizon', runId: 'run-1', horizonMs: NaN, runMs: 0, term: 3 } as const;
    expect(() => encodeCommand(command)).toThrow('invariant violated');
    expect(apply(initialState, command, { index: 1, term: 3 }).state).toBe(initialState);
  });
});
