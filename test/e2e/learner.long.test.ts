import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import type { RunProgress } from '../../node/src/coordinator/service.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestCluster } from './support/cluster.ts';
import { startRecorder } from './support/helpers.ts';

const waitMs = 30_000;
const ratePerSecond = 200;
const plan = (baseUrl: string): string => `
version: "1.0"
config: { baseUrl: "${baseUrl}", duration: 5m }
load: { model: rps, target: ${ratePerSecond} }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

let cluster: TestCluster;
let recorder: Awaited<ReturnType<typeof startRecorder>>;

beforeEach(async () => {
  recorder = await startRecorder();
  cluster = await TestCluster.prepare(4);
});
afterEach(async () => {
  await cluster.stop();
  await recorder.stop();
});

/** d is a learner of the list. */
const start = (id: string): void => {
  const nodes = cluster.members.map((member) => `${member.id}=${member.raft}${member.id === 'd' ? '/learner' : ''}`);
  cluster.startNode(id, { nodes: nodes.join(',') });
};
const health = async (id: string): Promise<ClusterHealth> => {
  const answer = await fetch(`http://${cluster.member(id).api}/health/cluster`);
  return (await answer.json()) as ClusterHealth;
};
/** Until this node says that the members are these, and has all of them. */
const formed = (id: string, members: string): Promise<ClusterHealth> =>
  waitFor(
    `${id} to have ${members}`,
    waitMs,
    async () => {
      const seen = await health(id);
      const roles = seen.members.map((member) => `${member.id ?? ''} ${member.role ?? ''}`).sort();
      return seen.cluster_formed && roles.join(', ') === members && seen;
    },
    cluster.processes.firstDead,
  );
const all = 'a voter, b voter, c voter, d learner';

it('a learner of the list is let in, fires its share, and costs that alone when it is killed; voters die as before', async () => {
  // It founds nothing: with two of three voters it would be a majority of four nodes.
  start('d');
  start('a');
  await waitFor('both to answer', waitMs, async () => {
    const states = await Promise.all(['a', 'd'].map(async (id) => (await health(id)).state));
    return states.every((state) => state === 'forming');
  });
  start('b');
  start('c');
  for (const id of ['a', 'd']) expect(await formed(id, all)).toMatchObject({ peers: 4 });

  await cluster.submit(plan(recorder.baseUrl), 'learner');
  const measured = async (): Promise<boolean> => {
    const { nodes } = await cluster.client.get<RunProgress>('/run');
    return nodes.find(({ node }) => node === 'd')!.lastInterval >= 2;
  };
  await waitFor('two seconds of the learner to be counted', waitMs, measured, cluster.processes.firstDead);
  // A majority of the voters is left: the learner was none of them.
  const leader = await cluster.leader();
  await Promise.all(['d', leader].map((id) => cluster.processes.kill(id, 'SIGKILL')));

  const survivors = ['a', 'b', 'c'].filter((id) => id !== leader).join('');
  await waitFor('the stripes without them', waitMs, async () => (await cluster.firing()) === survivors);
  // Long enough for all of it on any machine; nobody waits for the rest.
  await cluster.client.post('/stop', {}, null);
  await cluster.runReaches('finished', waitMs);
  const { books, nodes } = await cluster.report();
  const { numbers } = await recorder.hits();
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(books.balanced).toBe(true);
  expect(
    nodes
      .filter(({ state }) => state === 'lost')
      .map(({ node }) => node)
      .sort(),
  ).toEqual([leader, 'd'].sort());
  // What it measured before it died is in the result: a quarter of two seconds, at least.
  expect(nodes.find(({ node }) => node === 'd')!.books.fired).toBeGreaterThan(ratePerSecond / 4);
});

it('CLUSTER_ROLE must say what the list says', async () => {
  const nodes = cluster.members.map((member) => `${member.id}=${member.raft}`).join(',');
  cluster.startNode('d', { nodes, role: 'learner' });
  await expect(waitFor('it to answer', waitMs, () => health('d'), cluster.processes.firstDead)).rejects.toThrow(
    'CLUSTER_ROLE is learner, but CLUSTER_NODES has this node as a voter: mark it `/learner` there, on every node',
  );
});
