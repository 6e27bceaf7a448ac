import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestCluster } from './support/cluster.ts';

const waitMs = 20_000;
let cluster: TestCluster;
afterEach(() => cluster.stop());

function healthOnce(id: string, what: string, holds: (health: ClusterHealth) => boolean): Promise<ClusterHealth> {
  return waitFor(`${id} to report ${what}`, waitMs, async () => {
    const response = await fetch(`http://${cluster.member(id).api}/health/cluster`);
    const health = (await response.json()) as ClusterHealth;
    return holds(health) && health;
  });
}

const cannotElect = ({ problems }: ClusterHealth): boolean =>
  problems.some(({ reason }) =>
    reason.startsWith('no leader can be elected: 2 of 3 members must vote, and only "a" can'),
  );

describe('two of three founded, and one is lost before the third is met', () => {
  it('the remaining one says that no leader can be elected, whom that takes, and stops saying so when it is back', async () => {
    cluster = await TestCluster.prepare(3);
    for (const id of ['a', 'b']) cluster.startNode(id);
    const bound = ({ leader_id, members }: ClusterHealth): boolean =>
      leader_id !== null && members.filter((member) => member.bound).length === 2;
    for (const id of ['a', 'b']) await healthOnce(id, 'a leader of two', bound);

    await cluster.processes.kill('b', 'SIGKILL');
    const { problems } = await healthOnce('a', 'what is missing', cannotElect);
    expect(problems.at(-1)?.reason).toContain('not reached: "b"');
    expect(problems.at(-1)?.address).toBe(cluster.member('b').raft);

    // The third cannot help, as nobody can bind it.
    cluster.startNode('c');
    const met = ({ members }: ClusterHealth): boolean => members.some(({ id, connected }) => id === 'c' && connected);
    expect(cannotElect(await healthOnce('a', 'that c is there', met))).toBe(true);

    cluster.startNode('b');
    expect(await cluster.formed()).toMatchObject({ problems: [] });
  });
});
