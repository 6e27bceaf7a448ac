import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandBody } from '../../../node/src/cluster/commands.ts';
import { slotOf } from '../../../node/src/cluster/state.ts';
import type { LeaderContext } from '../../../node/src/coordinator/context.ts';
import { HorizonController } from '../../../node/src/coordinator/horizon.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { a, durationMs, Script } from '../cluster/script.ts';

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
    controller = new HorizonController(context as LeaderContext, (slot) => dead.has(slot));
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
    expect(script.run.phase).toEqual({ name: 'aborted', reason: 'no node is left that can send load' });
  });

  it('after the end is moved there by whoever is left, with or without generators: the run is to be settled', async () => {
    for (const agent of script.run.expected) dead.add(slotOf(agent));
    upForMs.delete('b/s1');
    await lookAt(durationMs + 60_000);
    expect(proposed).toEqual(['extendHorizon']);
    expect(script.run.horizonMs).toBe(durationMs);
  });
});
