import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../node/src/cluster/commands.ts';
import { currentTerms, differInLoadAlone } from '../../../node/src/cluster/load-change.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../node/src/cluster/snapshot.ts';
import { plannedArrivals } from '../../../node/src/cluster/settle.ts';
import { reportInput } from '../../../node/src/cluster/views.ts';
import type { LoadTerms } from '../../../node/src/generator/schedule/types.ts';
import { closedPlanText, planOf, planText, Script } from './script.ts';

const terms = (changed: Partial<LoadTerms> = {}): LoadTerms => ({
  ...{ ratePerSecond: 50, workers: null, durationMs: 6_000 },
  ...changed,
});

function change(script: Script, to: LoadTerms, id = 'k@2', source: string | null = 'consul-kv'): CommandResult {
  return script.do({
    kind: 'changeLoad',
    runId: 'run-1',
    submissionId: id,
    source,
    planHash: `hash of ${id}`,
    terms: to,
  });
}

describe('a change of the load of a run that is on', () => {
  it('takes effect at the horizon as it stands, is marked with its reason, and the submission is this run', () => {
    const script = Script.running();
    expect(change(script, terms({ ratePerSecond: 200, durationMs: 8_000 }))).toEqual({ ok: true, runId: 'run-1' });
    const { run } = script;
    expect(run.tables.at(-1)).toEqual({
      fromMs: 1_500,
      slots: ['a/s1', 'b/s1', 'c/s1'],
      terms: { ratePerSecond: 200, workers: null, durationMs: 8_000 },
    });
    expect(run.changes).toEqual([{ fromMs: 1_500, reason: 'the load changed: 50/s to 200/s, duration 6 s to 8 s' }]);
    expect([run.plan.durationMs, plannedArrivals(run)]).toEqual([8_000, 75 + 6.5 * 200]);
    expect(script.state.sources).toMatchObject([{ source: 'consul-kv', submissionId: 'k@2', runId: 'run-1' }]);
    expect(decodeSnapshot(encodeSnapshot(script.state))).toEqual(script.state);
  });

  it('made again is the change it was, and back to what it was it is another one', () => {
    const script = Script.running();
    change(script, terms({ ratePerSecond: 200 }));
    const { state } = script;
    expect(change(script, terms({ ratePerSecond: 200 }))).toEqual({ ok: true, runId: 'run-1' });
    expect(script.state).toBe(state);
    script.extend(2_500);
    change(script, terms(), 'k@3');
    expect(script.run.tables.map(({ fromMs, terms: of }) => [fromMs, of?.ratePerSecond])).toEqual([
      [0, undefined],
      [1_500, 200],
      [2_500, 50],
    ]);
    expect(plannedArrivals(script.run)).toBe(75 + 200 + 175);
  });

  it('to what it is already leaves the run as it is, and takes the plan for this run', () => {
    const script = Script.running();
    const { run } = script;
    expect(change(script, terms())).toEqual({ ok: true, runId: 'run-1' });
    expect(script.run).toBe(run);
    expect(script.state.sources).toMatchObject([{ runId: 'run-1', refusal: null }]);
  });

  it('never ends the run before its horizon', () => {
    const script = Script.running();
    change(script, terms({ durationMs: 100 }));
    expect(script.run.plan.durationMs).toBe(1_500);
    expect(script.drain('completed', 1_500)).toMatchObject({ ok: true });
  });

  it('that brings the end forward leaves no horizon beyond it', () => {
    const script = Script.running();
    change(script, terms({ durationMs: 3_000 }));
    script.extend(4_000);
    expect(script.run.horizonMs).toBe(3_000);
    expect(change(script, terms({ durationMs: 9_000 }), 'k@3')).toMatchObject({ code: 'STALE_COMMAND' });
  });

  it('stripes that change after it keep the load that it brought', () => {
    const script = Script.running();
    change(script, terms({ ratePerSecond: 200 }));
    script.do({ kind: 'assignStripes', runId: 'run-1', slots: ['a/s1', 'b/s1'], reason: 'c is gone' });
    expect(currentTerms(script.run)).toEqual(terms({ ratePerSecond: 200 }));
    expect(plannedArrivals(script.run)).toBe(75 + 4.5 * 200);
  });

  it('is refused for a moment where the run is not on, and for good where it can never be', () => {
    const early = new Script();
    early.submit();
    expect(change(early, terms({ ratePerSecond: 1 }))).toMatchObject({ code: 'STALE_COMMAND' });
    expect(early.state.sources).toEqual([]);
    const late = Script.running();
    late.extend(6_000);
    expect(change(late, terms({ ratePerSecond: 1 }))).toMatchObject({ code: 'STALE_COMMAND' });
    const script = Script.running();
    const { run } = script;
    expect(change(script, terms({ workers: 2 }))).toMatchObject({ code: 'RUN_IN_PROGRESS' });
    expect(script.run).toBe(run);
    expect(script.state.sources[0]?.refusal).toMatch(/3 nodes cannot share workers: 2/);
    for (let n = 0; n < 500; n++) expect(change(script, terms({ ratePerSecond: 51 + n }), `n@${n}`).ok).toBe(true);
    expect(change(script, terms(), 'n@500')).toMatchObject({ code: 'RUN_IN_PROGRESS' });
  });

  it('asked for by a person settles what the source was refused', () => {
    const script = Script.running();
    expect(script.submit('k@2', 'run-2', `${planText}#\n`, 'consul-kv').ok).toBe(false);
    const planHash = `hash of ${planText}#\n`;
    const asked = { runId: 'run-1', submissionId: 'k@2+1', source: null, planHash, terms: terms({ ratePerSecond: 9 }) };
    expect(script.do({ kind: 'changeLoad', ...asked }).ok).toBe(true);
    expect(script.state.sources).toMatchObject([{ submissionId: 'k@2', runId: 'run-1', refusal: null }]);
  });

  it('of a closed model is of its users: the time they have together is reckoned over the run', () => {
    const script = Script.running(closedPlanText);
    change(script, terms({ ratePerSecond: null, workers: 40 }));
    expect(script.run.changes[0]?.reason).toBe('the load changed: workers 10 to 40');
    script.extend(6_000);
    script.drain();
    script.finish();
    expect(reportInput(script.run).users).toBeCloseTo((10 * 1_500 + 40 * 4_500) / 6_000);
  });
});

describe('two plans', () => {
  const plan = planOf(planText);
  const another = (change: (text: string) => string): boolean => differInLoadAlone(plan, planOf(change(planText)));

  it('differ in their load alone by rate, users and duration', () => {
    expect(another((text) => text.replace('target: 50', 'target: 3'))).toBe(true);
    expect(another((text) => text.replace('duration: 6s', 'duration: 9m\n  workers: 7'))).toBe(true);
    expect(another((text) => `# a comment\n${text}`)).toBe(true);
  });

  it('and not by anything else', () => {
    expect(another((text) => text.replace('path: /items', 'path: /other'))).toBe(false);
    expect(another((text) => text.replace('8080', '8081'))).toBe(false);
    expect(another((text) => text.replace('name: browse', 'name: b\n    weight: 2'))).toBe(false);
    expect(differInLoadAlone(plan, planOf(closedPlanText))).toBe(false);
  });

  it('are compared as they are, in whatever order the log gives their fields', () => {
    const shuffled = Object.fromEntries(Object.entries(plan).reverse()) as unknown as typeof plan;
    expect(differInLoadAlone(plan, shuffled)).toBe(true);
  });
});
