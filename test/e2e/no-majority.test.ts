import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { takePort } from '../support/ports.ts';
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

describe('a member of a cluster that is well comes back with settings of its own', () => {
  const cannotTell =
    /^cannot tell whether there is a leader: 2 of 3 members must vote, and of them only "c" is connected; /;
  /** What an operator must never read of a cluster whose others have a leader. */
  const alarms = /no leader can be elected|empty the data directories/;

  it('and says that it cannot tell, and why, but neither that no leader can be elected nor that anything is lost', async () => {
    cluster = await TestCluster.start(3);
    const wrong = [
      { environment: { CLUSTER_SECRET: 'a-secret-nobody-else-has' }, why: /cluster secret/ },
      { flags: { 'bind-addr': `127.0.0.1:${takePort()}` }, why: /^it answers, but has not connected to this node/ },
    ];
    for (const { flags = {}, environment = {}, why } of wrong) {
      await cluster.processes.kill('c', 'SIGTERM');
      cluster.startNode('c', flags, environment);
      const { problems } = await healthOnce(
        'c',
        'that it cannot tell',
        ({ members, problems: all }) =>
          members.every(({ id, reason }) => id === 'c' || why.test(reason ?? '')) &&
          all.some(({ reason }) => cannotTell.test(reason)),
      );
      expect(problems.filter(({ reason }) => alarms.test(reason))).toEqual([]);
      const others = await healthOnce('a', 'a leader', ({ leader_id }) => leader_id !== null);
      expect(['a', 'b']).toContain(others.leader_id);
    }
    const { raft } = cluster.member('c');
    const logged = (text: string): Promise<boolean> =>
      waitFor(`the log of c to say ${text}`, waitMs, () =>
        Promise.resolve(cluster.log('c').some(({ msg }) => msg.includes(text))),
      );
    await logged(`its own element of CLUSTER_NODES is c=${raft}: unless a proxy or a port mapping`);
    await logged('as CLUSTER_NODES has it: it answers, but has not connected to this node');
    expect(cluster.log('c').filter(({ msg }) => alarms.test(msg) || /nobody is reached/.test(msg))).toEqual([]);
  });
});

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
