import { describe, expect, it } from 'vitest';
import type { Run } from '../../../node/src/cluster/state.ts';
import { checkFinished } from './checks.ts';
import { others, runningAt, SimulatedCluster } from './simulated-cluster.ts';

describe('a node that ends in order in mid-run', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'fires its stripe up to where the others take it over, and hands in all it measured: nothing is missing (seed %i)',
    async (seed) => {
      const sim = await runningAt(2_000 + 137 * seed, { seed });
      const leader = sim.leader()!;
      const ending = seed % 2 === 0 ? leader.id : others(sim, leader.id)[0]!;
      void sim.end(ending);
      expect(await sim.until(() => !sim.nodes.has(ending), 5_000)).toBe(true);
      expect(await sim.untilOver()).toBe(true);
      const { report } = checkFinished(sim);
      expect(report.books).toMatchObject({ planned: 500, fired: 500, lost: 0, notFired: 0 });
      expect(report.nodes.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
      expect(report.stripeChanges.map(({ reason }) => reason)).toEqual([`${ending} is ending`]);
    },
  );

  it('that is alone aborts the run, and does not wait for anybody', async () => {
    const sim = await runningAt(2_000, { size: 1 });
    const sinceMs = sim.world.nowMs;
    let run: Run | null = null;
    const consensus = sim.nodes.get('n0')!.consensus;
    void sim.end('n0').then(() => (run = consensus.replicated.state().run));
    expect(await sim.until(() => run !== null)).toBe(true);
    expect(run!).toMatchObject({ phase: { name: 'aborted', reason: 'no node is left that can send load' } });
    expect(sim.world.nowMs - sinceMs).toBeLessThan(1_000);
  });

  it('that nobody hears goes all the same', async () => {
    const sim = await runningAt(2_000);
    const sinceMs = sim.world.nowMs;
    for (const id of others(sim, 'n0')) sim.kill(id);
    void sim.end('n0');
    expect(await sim.until(() => !sim.nodes.has('n0'))).toBe(true);
    expect(sim.world.nowMs - sinceMs).toBeLessThan(5_000);
  });

  it('that has no part in a run does not wait', async () => {
    const sim = new SimulatedCluster(1, 3);
    await sim.untilFormed();
    const sinceMs = sim.world.nowMs;
    void sim.end('n1');
    expect(await sim.until(() => !sim.nodes.has('n1'))).toBe(true);
    expect(sim.world.nowMs).toBe(sinceMs);
  });
});
