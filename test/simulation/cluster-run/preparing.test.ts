import { describe, expect, it } from 'vitest';
import { checkFinished } from './checks.ts';
import { planText, SimulatedCluster } from './simulated-cluster.ts';

describe('preparing', () => {
  async function submitted(sim: SimulatedCluster): Promise<void> {
    await sim.untilFormed();
    await sim.submit(planText(50, 5));
  }

  it('is tried again, and the run goes on when the second attempt succeeds', async () => {
    const sim = new SimulatedCluster(1, 3);
    sim.failPrepare.set('n1', ['no such host']);
    await submitted(sim);
    expect(await sim.untilOver()).toBe(true);
    const { run, report } = checkFinished(sim);
    expect(run.attempt).toBe(2);
    expect(report.verdict.kind).toBe('valid');
  });

  it('is given up after four attempts, naming the node, the step and what to do', async () => {
    const sim = new SimulatedCluster(1, 3);
    sim.failPrepare.set('n1', ['no such host', 'no such host', 'no such host', 'no such host']);
    await submitted(sim);
    expect(await sim.untilOver()).toBe(true);
    expect(sim.run('n0')!.phase).toEqual({
      name: 'aborted',
      reason:
        "not prepared after 4 attempts: node n1, step 'resolve names': no such host; " +
        'mend what the step needs there, then submit the plan again',
      endMs: 0,
      lostSpans: [],
    });
    const warned = sim.lines.filter(({ message }) => message.includes('the plan is delivered again'));
    expect(warned.map(({ fields }) => fields)).toMatchObject(
      [1, 2, 3].map((attempt) => ({ peer: 'n1', attempt, of: 4 })),
    );
  });

  it('has a deadline: a node that never answers is named within the configured time', async () => {
    const sim = new SimulatedCluster(1, 3);
    sim.failPrepare.set('n2', ['never', 'never', 'never', 'never']);
    await submitted(sim);
    const submittedAtMs = sim.world.nowMs;
    expect(await sim.untilOver()).toBe(true);
    expect(sim.world.nowMs - submittedAtMs).toBeLessThan(6_500);
    expect(sim.run('n0')!.phase).toMatchObject({
      reason: expect.stringMatching(/node n2, step .*then submit the plan again/) as string,
    });
  });

  it('is not done before a node is warm', async () => {
    const sim = new SimulatedCluster(1, 3);
    sim.cold.add('n1');
    await submitted(sim);
    expect(await sim.untilOver()).toBe(true);
    expect(sim.run('n0')!.phase).toMatchObject({ reason: expect.stringContaining('node n1, step') as string });
    expect(sim.run('n0')!.acknowledgements.map(({ agent }) => agent.node)).not.toContain('n1');
  });

  it('goes on without a node that died before the start, and says which', async () => {
    const sim = new SimulatedCluster(1, 3);
    sim.failPrepare.set('n2', ['never']);
    await submitted(sim);
    sim.kill('n2');
    expect(await sim.untilOver()).toBe(true);
    const { report } = checkFinished(sim);
    expect(report.nodes.map((node) => node.node)).toEqual(['n0', 'n1']);
    expect(report.missing).toEqual(['n2']);
    expect(report.verdict.kind).toBe('valid');
    const lines = sim.lines.filter((line) => line.message.startsWith('goes on without'));
    expect(lines[0]!.fields).toMatchObject({ nodes: ['n2'] });
  });
});
