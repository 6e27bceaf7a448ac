import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { roll } from '../../../../infra/src/cloud/commands/roll.ts';
import { CloudFailure } from '../../../../infra/src/cloud/failure.ts';
import { fakeContext, healthOf } from '../../../support/cloud/fake-context.ts';
import { FakeNodes } from '../../../support/cloud/fake-nodes.ts';
import { stackOutputs } from '../../../support/cloud/outputs.ts';

const options = { yes: true, timeout: '60', up: false };
let nodes: FakeNodes;
beforeEach(async () => {
  nodes = await FakeNodes.start(Object.fromEntries(stackOutputs.nodes.map(({ id, instance }) => [instance, id])));
});
afterEach(() => nodes.stop());

describe('roll', () => {
  it('starts one machine after the other anew, the leader last, and leaves no way open', async () => {
    const { context, done, results } = fakeContext({ reach: nodes.reach });
    expect(await roll.run(context, [], options)).toBe(0);
    // europe-west1-1 leads.
    const order = ['asia-east1', 'us-east1', 'europe-west1'].map((region) => `tutti-dev-${region}-1`);
    expect(done).toEqual(order.flatMap((name) => [`stop ${name}`, `start ${name}`]));
    expect(results[0]!.lines).toEqual(['all 3 nodes are back and have caught up']);
    expect(nodes.open).toBe(0);
  });

  it('keeps whoever leads now for last, also when that changes on the way', async () => {
    const { context, done } = fakeContext({
      reach: nodes.reach,
      compute: {
        start: ({ instance }) => {
          done.push(`start ${instance}`);
          // The first that comes back sees another leader.
          for (const { id } of stackOutputs.nodes) nodes.health.set(id, healthOf(id, { leader_id: 'us-east1-1' }));
          return Promise.resolve();
        },
      },
    });
    await roll.run(context, [], options);
    const started = done.filter((one) => one.startsWith('start'));
    expect(started).toEqual(['asia-east1', 'europe-west1', 'us-east1'].map((region) => `start tutti-dev-${region}-1`));
  });

  it('brings the stack up to date first, unless told not to', async () => {
    const { context, done } = fakeContext({ reach: nodes.reach });
    await roll.run(context, [], { ...options, up: true });
    expect(done[0]).toBe('up');
  });

  it('does not stop the next one before the last is back, in the cluster, and has what was agreed on', async () => {
    const behind = healthOf('asia-east1-1', { applied_index: 4 });
    const apart = healthOf('asia-east1-1', { cluster_formed: false });
    for (const state of [behind, apart, null]) {
      const { context, done } = fakeContext({
        reach: nodes.reach,
        compute: { start: () => Promise.resolve(void nodes.health.set('asia-east1-1', state)) },
      });
      const failure: unknown = await roll.run(context, [], options).catch((thrown: unknown) => thrown);
      expect(failure).toBeInstanceOf(CloudFailure);
      expect((failure as CloudFailure).exitCode).toBe(122);
      expect((failure as CloudFailure).message).toContain('waited 60 s for asia-east1-1 to be back');
      expect(done).toEqual(['stop tutti-dev-asia-east1-1']);
      expect(nodes.open).toBe(0);
      nodes.health.set('asia-east1-1', healthOf('asia-east1-1'));
    }
  });

  it('goes on once the node has caught up', async () => {
    let asked = 0;
    const { context, done } = fakeContext({
      reach: nodes.reach,
      compute: {
        start: ({ instance }) => {
          done.push(instance);
          if (done.length === 1) nodes.health.set('asia-east1-1', healthOf('asia-east1-1', { applied_index: 9 }));
          return Promise.resolve();
        },
        stop: () => Promise.resolve(undefined),
      },
      pause: () => {
        asked += 1;
        nodes.health.set('asia-east1-1', healthOf('asia-east1-1'));
        return Promise.resolve();
      },
    });
    await roll.run(context, [], options);
    expect(asked).toBe(1);
    expect(done).toHaveLength(3);
  });

  it('stops no machine of a cluster that is not whole, or that runs a test', async () => {
    const { context, done } = fakeContext({ reach: nodes.reach });
    nodes.run = { runId: 'run-1', state: 'running' };
    await expect(roll.run(context, [], options)).rejects.toThrow('run-1 is on; wait for its end');
    for (const { id } of stackOutputs.nodes) nodes.health.set(id, healthOf(id, { cluster_formed: false }));
    await expect(roll.run(context, [], options)).rejects.toThrow('the cluster is not whole, so no machine is stopped');
    expect(done).toEqual([]);
  });

  it('may be told to do so during a run', async () => {
    const { context, done } = fakeContext({ reach: nodes.reach });
    nodes.run = { runId: 'run-1', state: 'running' };
    await roll.run(context, [], { ...options, duringRun: true });
    expect(done).toHaveLength(6);
  });

  it('asks nobody and stops nothing where there is no way to a node', async () => {
    const { context, done } = fakeContext({
      reach: { ...nodes.reach, whyNot: () => Promise.resolve('gcloud was not found') },
    });
    await expect(roll.run(context, [], options)).rejects.toThrow('gcloud was not found');
    expect(done).toEqual([]);
  });
});
