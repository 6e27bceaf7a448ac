import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { status } from '../../../../infra/src/cloud/commands/status.ts';
import type { Machine } from '../../../../infra/src/cloud/google/compute.ts';
import { type CloudStatus, joinStatus, type Said } from '../../../../infra/src/cloud/status/status.ts';
import { statusLines } from '../../../../infra/src/cloud/status/text.ts';
import { buildReport } from '../../../../node/src/results/build-report.ts';
import { fakeContext, FakeStorage, healthOf, machine } from '../../../support/cloud/fake-context.ts';
import { FakeNodes } from '../../../support/cloud/fake-nodes.ts';
import { stackOutputs } from '../../../support/cloud/outputs.ts';
import { input } from '../../results/sample.ts';

const machines = stackOutputs.nodes.map(({ instance, zone }) => machine(instance, zone));
const said = (given: Partial<Said> = {}): Said => ({
  outputs: stackOutputs,
  machines,
  lastOperations: new Map(),
  cluster: { health: healthOf('us-east1-1'), run: null },
  plan: { name: 'plan.yaml', generation: '17', updated: '2026-11-22T00:00:00Z', bytes: 1 },
  resultCount: 0,
  newest: null,
  ...given,
});
const report = buildReport({ ...input(), run: { ...input().run, submission: 'gs://my-plans/plan.yaml#17' } });

describe('what Compute Engine, the buckets and the cluster say, joined', () => {
  it('has of each node its machine and its place in the cluster', () => {
    const members = healthOf('x').members.map((member) =>
      member.id === 'asia-east1-1' ? { ...member, connected: false, reason: 'nobody answers' } : member,
    );
    const joined = joinStatus(said({ cluster: { health: healthOf('us-east1-1', { members }), run: null } }));
    expect(joined.nodes.map(({ id, inCluster, reason }) => [id, inCluster, reason])).toEqual([
      ['asia-east1-1', 'not connected', 'nobody answers'],
      ['europe-west1-1', 'leader', null],
      ['us-east1-1', 'connected', null],
    ]);
    expect(joined.nodes[0]).toMatchObject({ machine: 'RUNNING', remark: 'until 2026-11-23T00:00:00.000Z' });
    expect(joined.cluster).toEqual({
      formed: true,
      leader: 'europe-west1-1',
      term: 3,
      asked: 'us-east1-1',
      problems: [],
    });
  });

  it('names a member that the cluster has not met, and a machine that is gone', () => {
    const two = healthOf('x').members.slice(1);
    const joined = joinStatus(
      said({ machines: machines.slice(1), cluster: { health: healthOf('us-east1-1', { members: two }), run: null } }),
    );
    expect(joined.nodes[0]).toMatchObject({ machine: 'MISSING', inCluster: 'not met' });
    expect(joined.nodes[0]!.remark).toContain('scripts/cloud up');
  });

  const stopped = (given: Partial<Machine>): Machine => ({ ...machines[0]!, status: 'TERMINATED', ...given });
  const afterDay = '2026-11-23T00:00:40.000Z';
  it.each<[string, Machine, string | undefined, string | null]>([
    [
      'its time was over',
      stopped({ stoppedAt: afterDay }),
      'stop',
      'stopped itself after tutti:runtime.maxRunHours; scripts/cloud up starts it again',
    ],
    ['it was preempted', stopped({ stoppedAt: afterDay }), 'compute.instances.preempted', 'preempted by Google'],
    ['its host failed', stopped({}), 'compute.instances.hostError', 'its host failed'],
    ['somebody stopped it', stopped({ stoppedAt: '2026-11-22T05:00:00.000Z' }), 'stop', 'last operation: stop'],
    ['nobody knows', stopped({ maxRunSecs: null }), undefined, null],
    ['it is on its way', { ...machines[0]!, status: 'STAGING' }, 'start', null],
  ])('says why a machine does not run where %s', (_, one, last, remark) => {
    const lastOperations = new Map(last === undefined ? [] : [[one.name, last]]);
    expect(joinStatus(said({ machines: [one], lastOperations })).nodes[0]!.remark).toBe(remark);
  });

  it('says whether the plan that is there has its result', () => {
    const newest = { name: 'n.json', report };
    expect(joinStatus(said({ newest, resultCount: 1 }))).toMatchObject({
      plan: { submission: 'gs://my-plans/plan.yaml#17', hasResult: true },
      results: { bucket: 'gs://my-results', count: 1, newest: { name: 'n.json', verdict: 'valid' } },
    });
    const later = { name: 'plan.yaml', generation: '18', updated: '', bytes: 1 };
    expect(joinStatus(said({ newest, plan: later })).plan).toMatchObject({ hasResult: false });
    expect(joinStatus(said({ plan: null })).plan).toBeNull();
  });
});

describe('a status for a person', () => {
  const text = (given: Partial<Said>): string => statusLines(joinStatus(said(given)), (_colour, one) => one).join('\n');

  it('is a line for each thing', () => {
    expect(text({ newest: { name: 'n.json', report }, resultCount: 2 })).toBe(
      `stack    dev in my-project
cluster  formed, leader europe-west1-1, term 3, asked us-east1-1
  asia-east1-1    asia-east1-a    RUNNING  connected; until 2026-11-23T00:00:00.000Z
  europe-west1-1  europe-west1-b  RUNNING  leader; until 2026-11-23T00:00:00.000Z
  us-east1-1      us-east1-b      RUNNING  connected; until 2026-11-23T00:00:00.000Z
run      none yet
plan     gs://my-plans/plan.yaml#17, uploaded 2026-11-22T00:00:00Z, has its result
results  2 in gs://my-results; the newest: n.json, valid`,
    );
  });

  it('claims nothing of a cluster that was not asked', () => {
    const without = text({ cluster: { unknown: 'gcloud was not found' } });
    expect(without).toContain('cluster  not asked: gcloud was not found');
    expect(without).not.toMatch(/^run/m);
    expect(without).toContain('RUNNING  until');
  });
});

describe('the command', () => {
  let nodes: FakeNodes;
  let storage: FakeStorage;
  beforeEach(async () => {
    nodes = await FakeNodes.start(Object.fromEntries(stackOutputs.nodes.map(({ id, instance }) => [instance, id])));
    storage = new FakeStorage();
    storage.put('my-plans', 'plan.yaml', 'x');
    storage.put('my-results', '2026-11-22T000000Z-run-a.json', JSON.stringify(report));
  });
  afterEach(() => nodes.stop());

  it('asks the first node that answers, of machines that run', async () => {
    nodes.health.set('asia-east1-1', null);
    nodes.run = {
      runId: 'run-1',
      state: 'finished',
      elapsedMs: 0,
      durationMs: 1,
      iterations: { fired: 0 },
      nodesFiring: 0,
      responseMsP50: null,
      responseMsP99: null,
    };
    const { context, results } = fakeContext({ storage, reach: nodes.reach });
    expect(await status.run(context, [], { tunnel: true })).toBe(0);
    const joined = results[0]!.value as CloudStatus;
    expect(joined.cluster?.asked).toBe('europe-west1-1');
    expect(joined.run?.runId).toBe('run-1');
    expect(joined.results.count).toBe(1);
    expect(nodes.open).toBe(0);
  });

  it('works from machines and buckets where no way is open, and says why it asked nobody', async () => {
    const { context, results } = fakeContext({
      storage,
      reach: { ...nodes.reach, whyNot: () => Promise.resolve('gcloud was not found') },
    });
    expect(await status.run(context, [], { tunnel: true })).toBe(0);
    expect(results[0]!.value).toMatchObject({ cluster: null, unknown: 'gcloud was not found', results: { count: 1 } });
  });

  it.each<[string, (nodes: FakeNodes) => object]>([
    [
      'there is no leader',
      (all) => (all.health.set('asia-east1-1', healthOf('asia-east1-1', { leader_id: null })), {}),
    ],
    [
      'a machine has stopped and nobody can be asked',
      () => ({
        compute: { machines: () => Promise.resolve([machine('tutti-dev-us-east1-1', 'us-east1-b', 'TERMINATED')]) },
      }),
    ],
  ])('ends with 122 where %s', async (_, prepare) => {
    const { context } = fakeContext({ storage, reach: nodes.reach, ...prepare(nodes) });
    expect(await status.run(context, [], { tunnel: true })).toBe(122);
  });

  it('says what to do where nothing was made yet', async () => {
    const { context } = fakeContext({ engine: { outputs: () => Promise.resolve(null) } });
    await expect(status.run(context, [], {})).rejects.toThrow(
      'the stack dev has nothing yet; make it: scripts/cloud up',
    );
  });
});
