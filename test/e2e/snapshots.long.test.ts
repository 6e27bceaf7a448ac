import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestCluster } from './support/cluster.ts';
import { startRecorder } from './support/helpers.ts';

const waitMs = 20_000;

const plan = (baseUrl: string): string => `
version: "1.0"
metadata: { name: snapshots, tenant: shop }
config: { baseUrl: "${baseUrl}", duration: 4s }
load: { model: rps, target: 30 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

it('nodes take snapshots during a run, start from them after SIGKILL in mid-run, and count every arrival once', async () => {
  const recorder = await startRecorder();
  const cluster = await TestCluster.prepare(3);
  const flags = { 'snapshot-interval-secs': '1', 'snapshot-threshold': '5' };
  const snapshotsOf = (id: string): string[] => readdirSync(join(cluster.directory, id, 'snapshots'));
  const isWhole = (name: string): boolean => name.endsWith('.snapshot');
  try {
    for (const { id } of cluster.members) cluster.startNode(id, flags);
    await cluster.formed();
    await cluster.submit(plan(recorder.baseUrl), 'one');
    await cluster.runReaches('running', waitMs);
    await waitFor('each node to have taken a snapshot', waitMs, () =>
      Promise.resolve(cluster.members.every(({ id }) => snapshotsOf(id).some(isWhole))),
    );
    const follower = cluster.members.find(({ id }) => id !== 'a')!.id;
    await cluster.processes.kill(follower, 'SIGKILL');
    cluster.startNode(follower, flags);
    await waitFor('the node to go on from its snapshot', waitMs, () =>
      Promise.resolve(cluster.log(follower).some(({ msg }) => msg.startsWith('restored the state after entry'))),
    );
    await cluster.runReaches('finished', waitMs);
    const before = await cluster.report();
    for (const { id } of cluster.members) await cluster.processes.kill(id, 'SIGKILL');
    for (const { id } of cluster.members) cluster.startNode(id, flags);
    await cluster.runReaches('finished', waitMs);
    expect(await cluster.report()).toEqual(before);
    const { numbers } = await recorder.hits();
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(snapshotsOf('a').filter(isWhole).length).toBeLessThanOrEqual(2);
  } finally {
    await cluster.stop();
    await recorder.stop();
  }
});
