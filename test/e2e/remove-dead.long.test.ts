import { expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestCluster } from './support/cluster.ts';

const afterSecs = 10;

it(`a voter that was killed is removed after CLUSTER_REMOVE_DEAD_AFTER_SECS=${afterSecs}, and no sooner; two go on`, async () => {
  const cluster = await TestCluster.start(3, { 'remove-dead-after-secs': String(afterSecs) });
  try {
    const leader = await cluster.leader();
    const dead = cluster.members.find(({ id }) => id !== leader)!.id;
    const killedMs = performance.now();
    await cluster.processes.kill(dead, 'SIGKILL');
    const health = (): Promise<ClusterHealth> => cluster.client.get<ClusterHealth>('/health/cluster');
    expect((await health()).peers).toBe(3);
    await waitFor('the dead voter to be removed', 40_000, async () => (await health()).peers === 2);
    // The leader counts from when it last heard the member, a heartbeat before the kill at most.
    expect(performance.now() - killedMs).toBeGreaterThan(afterSecs * 1000 - 1000);
    const said = cluster.members.flatMap(({ id }) => cluster.log(id)).map(({ msg }) => msg);
    expect(said).toContainEqual(expect.stringMatching(new RegExp(`^removes ${dead}: it was not heard for 1\\d s$`)));
  } finally {
    await cluster.stop();
  }
});
