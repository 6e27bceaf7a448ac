import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { destroy } from '../../../../infra/src/cloud/commands/destroy.ts';
import { up } from '../../../../infra/src/cloud/commands/up.ts';
import { CloudFailure } from '../../../../infra/src/cloud/failure.ts';
import type { StackOutputs } from '../../../../infra/src/outputs.ts';
import { config, fakeContext, healthOf, machine, type Parts } from '../../../support/cloud/fake-context.ts';
import { FakeNodes } from '../../../support/cloud/fake-nodes.ts';
import { stackOutputs } from '../../../support/cloud/outputs.ts';

const options = { yes: true, timeout: '60', wait: true };
let nodes: FakeNodes;
beforeEach(async () => {
  nodes = await FakeNodes.start(Object.fromEntries(stackOutputs.nodes.map(({ id, instance }) => [instance, id])));
});
afterEach(() => nodes.stop());

describe('up', () => {
  it('waits until the cluster is formed, says what it sees, and ends with the next command', async () => {
    nodes.health.set('asia-east1-1', null);
    const states = [healthOf('asia-east1-1', { cluster_formed: false, leader_id: null }), healthOf('asia-east1-1')];
    const { context, done, progress, results } = fakeContext({
      reach: nodes.reach,
      pause: () => Promise.resolve(void nodes.health.set('asia-east1-1', states.shift()!)),
    });
    expect(await up.run(context, [], options)).toBe(0);
    expect(done).toEqual(['up']);
    expect(progress).toContain('  asia-east1-1: 3 of 3 members connected, no leader yet');
    expect(progress.at(-1)).toBe('formed: europe-west1-1 leads');
    expect(results[0]!.lines.at(-1)).toBe(`next: ${stackOutputs.next}`);
    expect(results[0]!.value).toMatchObject({ formed: true, next: stackOutputs.next });
    expect([states.length, nodes.open]).toEqual([0, 0]);
  });

  it('does not call a cluster formed that lacks a node of the stack', async () => {
    const two = healthOf('x').members.slice(0, 2);
    nodes.health.set('asia-east1-1', healthOf('asia-east1-1', { members: two }));
    const { context } = fakeContext({ reach: nodes.reach });
    const failure: unknown = await up.run(context, [], options).catch((thrown: unknown) => thrown);
    expect((failure as CloudFailure).message).toContain(
      'waited 60 s for the cluster to be formed (last: 2 of 2 members',
    );
    expect((failure as CloudFailure).exitCode).toBe(122);
  });

  it('makes nothing when it could not see the end of it, and says how to do without', async () => {
    const { context, done } = fakeContext({
      reach: { ...nodes.reach, whyNot: () => Promise.resolve('gcloud was not found') },
    });
    await expect(up.run(context, [], options)).rejects.toThrow(/gcloud was not found[^]*--no-wait/);
    expect(done).toEqual([]);
    expect(await up.run(context, [], { ...options, wait: false })).toBe(0);
    expect(done).toEqual(['up']);
  });

  it('makes nothing of a plan that no leader would take', async () => {
    const checkPlan = (): Promise<never> => Promise.reject(CloudFailure.input('plan.yaml:1:1 load: is missing'));
    const { context, done, progress } = fakeContext({ reach: nodes.reach, engine: { checkPlan } });
    await expect(up.run(context, [], options)).rejects.toThrow('load: is missing');
    expect([done, progress]).toEqual([[], []]);
  });

  it('takes no half of the voters away at once: those that stay could not agree that the others are gone', async () => {
    const withRegions = (...regions: string[]): Parts => ({
      reach: nodes.reach,
      engine: { config: () => Promise.resolve({ ...config, regions }) },
    });
    const two = fakeContext(withRegions('asia-east1', 'us-west1', 'us-west2', 'us-west3'));
    await expect(up.run(two.context, [], options)).rejects.toThrow(
      'would take europe-west1-1, us-east1-1 away at once, 2 of 3 voters',
    );
    expect(two.done).toEqual([]);
    const one = fakeContext(withRegions('asia-east1', 'europe-west1', 'us-west1'));
    expect(await up.run(one.context, [], options)).toBe(0);
    // Load-only nodes have no vote.
    const learners = stackOutputs.nodes.map((node) => ({ ...node, role: 'learner' as const }));
    const { engine } = withRegions('us-west1', 'us-west2', 'us-west3');
    const voters = fakeContext({
      reach: nodes.reach,
      engine: { ...engine, outputs: () => Promise.resolve({ ...stackOutputs, nodes: learners }) },
    });
    expect(await up.run(voters.context, [], options)).toBe(0);
  });

  it('brings a stack of another version up to date, whose outputs cannot be read before', async () => {
    let isUp = false;
    const outputs = (): Promise<StackOutputs> =>
      isUp ? Promise.resolve(stackOutputs) : Promise.reject(new CloudFailure('not those that this version reads'));
    const { context } = fakeContext({
      reach: nodes.reach,
      engine: { outputs, up: () => Promise.resolve(((isUp = true), {})) },
    });
    expect(await up.run(context, [], options)).toBe(0);
  });

  it('does not wait for nodes that have no keys yet', async () => {
    const { context, results } = fakeContext({
      engine: { config: () => Promise.resolve({ ...config, keys: 'external' }) },
    });
    await up.run(context, [], options);
    expect(results[0]!.value).toMatchObject({ formed: false });
  });

  it('starts machines that had stopped by themselves', async () => {
    const { context, done } = fakeContext({
      reach: nodes.reach,
      compute: {
        machines: () =>
          Promise.resolve(
            stackOutputs.nodes.map(({ instance, zone }, index) =>
              machine(instance, zone, index === 1 ? 'TERMINATED' : 'RUNNING'),
            ),
          ),
      },
    });
    await up.run(context, [], options);
    expect(done).toEqual(['up', 'start tutti-dev-europe-west1-1']);
  });

  it('shows what would be done and asks; without an answer, and without anybody to ask, it does nothing', async () => {
    const asked: string[] = [];
    const confirm = (question: string): Promise<boolean> => Promise.resolve(asked.push(question) > 1);
    const { context, done, progress } = fakeContext({ reach: nodes.reach, confirm });
    const asking = { ...options, yes: undefined };
    await expect(up.run(context, [], asking)).rejects.toThrow('nothing was changed');
    expect(progress).toContain('2 to create; 40 stay as they are');
    expect([done, asked]).toEqual([[], ['Do it to dev?']]);
    expect(await up.run(context, [], asking)).toBe(0);
    expect(done).toEqual(['up']);
    await expect(up.run({ ...context, confirm: null }, [], asking)).rejects.toThrow('--yes does it without asking');
  });
});

describe('destroy', () => {
  it('says that nothing is left, and where the results are', async () => {
    const { context, done, results } = fakeContext();
    expect(await destroy.run(context, [], options)).toBe(0);
    expect(done).toEqual(['destroy']);
    expect(results[0]).toEqual({
      value: { left: [], results: 'gs://my-results' },
      lines: [
        'no machine, disk or address is left',
        'the results stay in gs://my-results; gcloud storage rm --recursive gs://my-results removes them',
      ],
    });
  });

  it('names what is left and still costs, and fails', async () => {
    const costly = (): Promise<{ kind: 'disk'; name: string; place: string }[]> =>
      Promise.resolve([{ kind: 'disk', name: 'tutti-dev-us-east1-1-data', place: 'us-east1-b' }]);
    const { context, results } = fakeContext({
      compute: { costly },
      engine: { outputs: () => Promise.resolve({ ...stackOutputs, keepResults: false }) },
    });
    expect(await destroy.run(context, [], options)).toBe(1);
    expect(results[0]!.lines).toEqual(['STILL THERE, and it costs:', '  disk tutti-dev-us-east1-1-data in us-east1-b']);
  });

  it('goes by what was made, whatever the configuration is now', async () => {
    const broken = (): Promise<never> => Promise.reject(CloudFailure.input('tutti:regions: is required'));
    const { context, done } = fakeContext({ engine: { config: broken } });
    expect(await destroy.run(context, [], options)).toBe(0);
    expect(done).toEqual(['destroy']);
  });

  it('says how to find results where it cannot be read in which bucket they are', async () => {
    const other = (): Promise<never> => Promise.reject(new CloudFailure('the outputs are of another version'));
    const { context, results } = fakeContext({ engine: { outputs: other } });
    expect(await destroy.run(context, [], options)).toBe(0);
    expect(results[0]!.lines).toEqual([
      'no machine, disk or address is left',
      'results may have stayed: gcloud storage buckets list --project=my-project --filter=labels.stack=dev',
    ]);
  });

  it('asks first', async () => {
    const { context, done } = fakeContext({ confirm: () => Promise.resolve(false) });
    await expect(destroy.run(context, [], {})).rejects.toThrow('nothing was changed');
    expect(done).toEqual([]);
  });
});
