import { describe, expect, it } from 'vitest';
import { reportInput, runProgress } from '../../../node/src/cluster/views.ts';
import { buildReport, exitCodeOf } from '../../../node/src/results/build-report.ts';
import { a, agents, b, c, closedPlanText, durationMs, interval, Script } from './script.ts';

/** b dies after its first second, the others do all of their 100 arrivals each. */
function degraded(): Script {
  const script = Script.running();
  script.count(interval(b, 0, { fired: 17, answered: 15, failed: 1 }, false, 1));
  for (const agent of [a, c]) {
    for (let number = 0; number < 6; number++) {
      const fired = number < 4 ? 17 : 16;
      const start = { clockErrorMs: 0.2, startedLateMs: 1 };
      script.count({ ...interval(agent, number, { fired, answered: fired }, number === 5), start });
    }
  }
  script.drain();
  script.finish();
  return script;
}

describe('the report of a replicated run', () => {
  it('names the lost node and its span, balances, and ends with 121', () => {
    const report = buildReport(reportInput(degraded().run));
    expect(report.books).toMatchObject({ planned: 300, fired: 217, lost: 83, unanswered: 1, balanced: true });
    expect(report.nodes.map(({ node, state, intervals }) => [node, state, intervals])).toEqual([
      ['a', 'finished', 6],
      ['b', 'lost', 1],
      ['c', 'finished', 6],
    ]);
    expect(report.nodes[1]!.lost).toEqual({ fromMs: 1_000, toMs: 6_000, arrivals: 83 });
    expect(report.nodes[0]).toMatchObject({ clockErrorMs: 0.2, startedLateMs: 1 });
    expect(report.run).toMatchObject({ state: 'finished', ended: 'completed', durationMs: 6_000 });
    expect(report.regions.map(({ region }) => region)).toEqual(['eu', 'us']);
    expect(exitCodeOf(report)).toBe(121);
  });

  it('while it is on: what has been measured, books open, nobody lost', () => {
    const script = Script.running();
    script.count(interval(a, 0, { fired: 17, answered: 17 }));
    const report = buildReport(reportInput(script.run));
    expect(report.run).toMatchObject({ state: 'running', ended: null, durationMs: 1_000 });
    expect(report.books.balanced).toBe(false);
    expect(report.nodes.map(({ state }) => state)).toEqual(['running']);
    expect(report.verdict.reasons).toEqual([]);
  });

  it('of a closed model says for how long users were held back, by node, under whichever leaders it was counted', () => {
    const script = Script.running(closedPlanText);
    script.extend(durationMs, 0);
    for (const agent of [a, b, c]) {
      script.term++;
      script.count(interval(agent, 5, { fired: 9, answered: 9, heldUserMs: agent === b ? 4_000 : 0 }, true));
    }
    script.drain();
    script.finish();
    const report = buildReport(reportInput(script.run));
    expect(report.books).toMatchObject({ planned: null, plannedUserMs: 60_000, heldUserMs: 4_000, balanced: true });
    expect(report.verdict).toMatchObject({ kind: 'degraded', reasons: [expect.stringContaining('(b: 4.0 s)')] });
  });

  it('plans no more than up to a stop', () => {
    const script = Script.running();
    script.drain('stopped', 2_000);
    const input = reportInput(script.run);
    expect(input.planned).toBe(100);
    expect(input.run.plannedDurationMs).toBe(durationMs);
  });

  it('of a run that was aborted before its start was scheduled: nothing of the plan was fired, and nothing is open', () => {
    for (const upTo of ['preparing', 'ready']) {
      const script = new Script();
      script.submit();
      if (upTo === 'ready') for (const agent of agents) script.acknowledge(agent);
      script.abort('stopped');
      const report = buildReport(reportInput(script.run));
      expect(report.books).toMatchObject({ planned: 300, fired: 0, notFired: 300, lost: 0, balanced: true });
      expect(report.verdict).toEqual({ kind: 'aborted', reasons: ['it was stopped'] });
      expect(exitCodeOf(report)).toBe(105);
      expect(report.run).toMatchObject({ durationMs: 0, plannedDurationMs: durationMs });
      expect(runProgress(script.run, 0)).toMatchObject({ durationMs, percent: 0 });
    }
  });

  it('of a closed run that was aborted before its start: no users were held back, there were none', () => {
    const script = new Script();
    script.submit('sub-1', 'run-1', closedPlanText);
    script.abort('not prepared after 3 attempts');
    const report = buildReport(reportInput(script.run));
    expect(report.books).toMatchObject({ planned: null, plannedUserMs: 0, notFired: 0, heldUserMs: 0, balanced: true });
    expect(report.verdict).toEqual({ kind: 'aborted', reasons: ['not prepared after 3 attempts'] });
    expect(exitCodeOf(report)).toBe(123);
  });

  it('of a run that was aborted once its start was scheduled: nobody knows what was sent up to the first horizon', () => {
    const script = new Script();
    script.submit();
    for (const agent of agents) script.acknowledge(agent);
    script.schedule();
    script.abort();
    const report = buildReport(reportInput(script.run));
    expect(report.books).toMatchObject({ planned: 75, fired: 0, lost: 75, balanced: true });
    expect(report.verdict.kind).toBe('degraded');
    expect(report.verdict.reasons).toContain(
      'nothing is known of the part of node a from 0.0 s to 1.5 s, 25 planned iterations',
    );
  });

  it('of a run that was aborted while it drained plans no more than up to the stop', () => {
    const script = Script.running();
    script.count(interval(a, 0, { fired: 17, answered: 17 }));
    script.drain('stopped', 2_000);
    script.abort();
    const report = buildReport(reportInput(script.run));
    expect(report.books).toMatchObject({ planned: 100, fired: 17, lost: 83, balanced: true });
  });

  it('of an aborted run says why, and settles what is missing as lost', () => {
    const script = Script.running();
    script.count(interval(a, 0, { fired: 17, answered: 17 }));
    script.abort('node c could not prepare: generators');
    const report = buildReport(reportInput(script.run));
    expect(report.run).toMatchObject({ state: 'aborted', ended: 'node c could not prepare: generators' });
    expect(report.nodes.map(({ state }) => state)).toEqual(['aborted', 'aborted', 'aborted']);
    expect(report.books).toMatchObject({ planned: 300, fired: 17, lost: 283, balanced: true });
    expect(report.verdict).toEqual({
      kind: 'degraded',
      reasons: [
        'the run was aborted: node c could not prepare: generators',
        'nothing is known of the part of node a from 1.0 s to 6.0 s, 83 planned iterations',
        'nothing is known of the part of node b from 0.0 s to 6.0 s, 100 planned iterations',
        'nothing is known of the part of node c from 0.0 s to 6.0 s, 100 planned iterations',
      ],
    });
    expect(exitCodeOf(report)).toBe(123);
  });
});

describe('the progress of a replicated run', () => {
  it('shows the last second that all firing agents have reported, never a share as the whole', () => {
    const script = Script.running();
    for (const agent of agents) script.count(interval(agent, 0, { fired: 17, answered: 10 }, false, 7));
    script.count(interval(a, 1, { fired: 17, answered: 17 }, false, 7));
    const progress = runProgress(script.run, 1_900);
    expect(progress).toMatchObject({
      state: 'running',
      elapsedMs: 1_900,
      durationMs: 6_000,
      iterations: { fired: 68, answered: 47, failed: 0, dropped: 0, inFlight: 21 },
      iterationsPerSecond: 51,
      requests: 68,
    });
    expect(progress.percent).toBeCloseTo(31.67, 1);
    expect(progress.responseMsP50).toBeCloseTo(1, 1);
    expect(progress.nodes[0]).toEqual({
      node: 'a',
      region: 'eu',
      acknowledged: true,
      lastInterval: 1,
      inStripes: true,
    });
  });

  it('says at once that no node fires any more, whatever was fired last; before and after the run nobody need fire', () => {
    const script = Script.running();
    for (const agent of agents) script.count(interval(agent, 0, { fired: 17, answered: 17 }));
    const isThere = (slot: string): boolean => slot === 'a/s1';
    expect(runProgress(script.run, 1_900, isThere)).toMatchObject({ nodesFiring: 1, iterationsPerSecond: 51 });
    expect(runProgress(script.run, 1_900, () => false)).toMatchObject({ nodesFiring: 0, iterationsPerSecond: 0 });
    const reasons = (): readonly string[] => buildReport(reportInput(script.run, () => false)).verdict.reasons;
    expect(reasons()).toEqual(['no node sends load: of those that were to, none is there']);
    script.drain();
    expect(reasons()).toEqual([]);
  });

  it('before the start: who has acknowledged, and no figures', () => {
    const script = new Script();
    script.submit();
    script.acknowledge(b);
    script.acknowledge(c, false);
    const progress = runProgress(script.run, 0);
    expect(progress).toMatchObject({
      state: 'preparing',
      elapsedMs: 0,
      percent: 0,
      iterationsPerSecond: 0,
      responseMsP50: null,
    });
    expect(progress.nodes.map(({ acknowledged }) => acknowledged)).toEqual([false, true, false]);
    expect(progress.nodes.every(({ lastInterval, inStripes }) => lastInterval === -1 && !inStripes)).toBe(true);
  });

  it('ends at the end', () => {
    expect(runProgress(degraded().run, 99_000)).toMatchObject({ elapsedMs: 6_000, percent: 100, reason: 'completed' });
  });
});
