import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandBody } from '../../../node/src/cluster/commands.ts';
import { slotOf } from '../../../node/src/cluster/state.ts';
import type { LeaderContext } from '../../../node/src/coordinator/context.ts';
import { HorizonController } from '../../../node/src/coordinator/horizon.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { a, durationMs, planText, Script } from '../cluster/script.ts';

/** A leader's look at the run, with what it observes given by the test. */
describe('the horizon', () => {
  let script: Script;
  let nowMs: number;
  let upForMs: Map<string, number>;
  let dead: Set<string>;
  let proposed: CommandBody['kind'][];
  let controller: HorizonController;

  beforeEach(() => {
    script = Script.running();
    nowMs = 0;
    upForMs = new Map(['a/s1', 'b/s1', 'c/s1'].map((slot) => [slot, 1e9]));
    dead = new Set();
    proposed = [];
    const context: Partial<LeaderContext> = {
      self: a,
      term: 1,
      state: () => script.state,
      presence: {
        upForMs: (slot: string) => upForMs.get(slot) ?? null,
        downForMs: (slot: string) => (upForMs.has(slot) ? 0 : 1e9),
      },
      propose: (body) => {
        proposed.push(body.kind);
        return Promise.resolve(script.do(body));
      },
      exclusively: (step) => step(),
      runMs: () => nowMs,
      clock: { nowMs: () => nowMs, at: () => () => undefined },
      log: silentLog,
      horizonLengthMs: 1_500,
    };
    controller = new HorizonController(context as LeaderContext, (slot) =>
      dead.has(slot) ? 'has no generator left' : null,
    );
  });

  const lookAt = async (runMs: number): Promise<void> => {
    nowMs = runMs;
    await controller.reconcile(script.run);
  };

  it('is moved ahead of the run, and no further than the plan', async () => {
    await lookAt(1_000);
    expect(script.run.horizonMs).toBe(2_500);
    await lookAt(5_900);
    expect(script.run.horizonMs).toBe(durationMs);
  });

  it('aborts when nobody is left who could send what is still to come', async () => {
    for (const agent of script.run.expected) dead.add(slotOf(agent));
    await lookAt(1_000);
    expect(script.run.phase).toMatchObject({ name: 'aborted', reason: 'no node is left that can send load' });
  });

  it('after the end is moved there by whoever is left, with or without generators: the run is to be settled', async () => {
    for (const agent of script.run.expected) dead.add(slotOf(agent));
    upForMs.delete('b/s1');
    await lookAt(durationMs + 60_000);
    expect(proposed).toEqual(['extendHorizon']);
    expect(script.run.horizonMs).toBe(durationMs);
  });

  it('names all that are gone, in one table', async () => {
    upForMs.delete('b/s1');
    upForMs.delete('c/s1');
    await lookAt(1_000);
    expect(script.run.changes.map(({ reason }) => reason)).toEqual(['b, c are gone']);
  });

  it('takes a node that flaps back after ever longer, so that hours of it make a handful of stripe tables', async () => {
    const hourMs = 3_600_000;
    script = Script.running(planText.replace('duration: 6s', 'duration: 3h'));
    const isUp = (ms: number): boolean => ms >= hourMs || ms % 11_000 < 10_000;
    const tables: number[] = [];
    for (let ms = 0; ms < hourMs + 120_000; ms += 250) {
      if (isUp(ms)) upForMs.set('b/s1', ms >= hourMs ? ms - hourMs : ms % 11_000);
      else upForMs.delete('b/s1');
      await lookAt(ms);
      tables.push(script.run.tables.length);
    }
    const names = script.run.changes.map((change) => change.reason);
    // Gone five times; four times it came back within the ten seconds for which it is up, then only for good.
    expect(names).toEqual(Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? 'b is gone' : 'b joined')));
    expect(tables[hourMs / 250 - 1]).toBe(10);
    expect(script.run.tables.at(-1)!.fromMs).toBeGreaterThan(hourMs + 16_000);
    expect(script.run.tables.at(-1)!.fromMs).toBeLessThan(hourMs + 18_000);
  });

  it('counts a node that comes back as another process as the node it was', async () => {
    script = Script.running(planText.replace('duration: 6s', 'duration: 3h'));
    for (let session = 1; session <= 3; session++) {
      upForMs.delete(`b/s${session}`);
      await lookAt(session * 10_000);
      script.acknowledge({ node: 'b', session: `s${session + 1}`, region: 'eu' });
      upForMs.set(`b/s${session + 1}`, 2 ** (session - 1) * 1_000 - 1);
      await lookAt(session * 10_000 + 4_000);
      expect(script.run.tables.at(-1)!.slots).toEqual(['a/s1', 'c/s1']);
      upForMs.set(`b/s${session + 1}`, 2 ** (session - 1) * 1_000);
      await lookAt(session * 10_000 + 5_000);
      expect(script.run.tables.at(-1)!.slots).toEqual(['a/s1', `b/s${session + 1}`, 'c/s1']);
    }
  });
});
