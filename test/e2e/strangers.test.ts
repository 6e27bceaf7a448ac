import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { freePorts } from '../support/ports.ts';
import { TestCluster } from './support/cluster.ts';

const waitMs = 20_000;
const plan = `version: "1.0"
config: { baseUrl: "http://127.0.0.1:9", duration: 1s }
load: { model: rps, target: 1 }
scenarios: [{ name: s, steps: [{ request: { method: GET, path: / } }] }]
`;
const clusters: TestCluster[] = [];
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
});

/** Members with addresses, nothing started yet. */
async function prepared(size: number, hosts: readonly string[] = []): Promise<TestCluster> {
  const cluster = await TestCluster.prepare(size, hosts);
  clusters.push(cluster);
  return cluster;
}

async function health(cluster: TestCluster, id: string): Promise<ClusterHealth> {
  return (await (await fetch(`http://${cluster.member(id).api}/health/cluster`)).json()) as ClusterHealth;
}

function problemsOf(cluster: TestCluster, id: string, pattern: RegExp): Promise<string> {
  return waitFor(`${id} to report ${String(pattern)}`, waitMs, async () => {
    const { problems } = await health(cluster, id);
    const text = problems.map(({ reason }) => reason).join('\n');
    return pattern.test(text) && text;
  });
}

/** It has seen that a cluster of so many is founded, and knows that this cannot be undone. */
function founded(cluster: TestCluster, id: string, size: number): Promise<boolean> {
  return waitFor(`${id} to see a cluster of ${size} founded`, waitMs, async () => {
    const { cluster_formed, peers, commit_index } = await health(cluster, id);
    return cluster_formed && peers === size && commit_index > 0;
  });
}

async function restarted(cluster: TestCluster, id: string, environment: Record<string, string> = {}): Promise<void> {
  await cluster.processes.kill(id, 'SIGTERM');
  cluster.startNode(id, {}, environment);
}

/** All are connected, and no node says any more what was wrong before. */
async function repaired(cluster: TestCluster): Promise<void> {
  await cluster.formed();
  for (const { id } of cluster.members) await problemsGone(cluster, id);
}

function problemsGone(cluster: TestCluster, id: string): Promise<boolean> {
  return waitFor(`${id} to report no problem`, waitMs, async () => (await health(cluster, id)).problems.length === 0);
}

describe('a peer that is not what the list says is named on both sides', () => {
  it('another id at the address', async () => {
    const cluster = await prepared(2);
    const [a, b] = cluster.members as [(typeof cluster.members)[0], (typeof cluster.members)[0]];
    cluster.startNode('a', { nodes: `a=${a.raft},x=${b.raft}` });
    cluster.startNode('b', { nodes: `a=${a.raft},b=${b.raft}` });
    for (const id of ['a', 'b']) await problemsOf(cluster, id, /lists \S+ as "x", but the node there calls itself "b"/);
    await restarted(cluster, 'a');
    await repaired(cluster);
  });

  it('another node, of another cluster, in the place of one that is away, until that one is back', async () => {
    const cluster = await prepared(2);
    const [a, b] = [cluster.member('a'), cluster.member('b')];
    for (const id of ['a', 'b']) cluster.startNode(id);
    // Until it has seen the founding committed a node claims no cluster (ADR 40), and then meets only a wrong name.
    for (const id of ['a', 'b']) await founded(cluster, id, 2);
    await cluster.processes.kill('b', 'SIGTERM');
    const foreign = { 'node-id': 'z', nodes: `z=${b.raft}`, 'data-dir': `${cluster.directory}/z` };
    cluster.startNode('b', foreign);
    await problemsOf(cluster, 'a', /belongs to cluster \S+, node "[az]" at \S+ to cluster /);
    // Now it dials the others too.
    await cluster.processes.kill('b', 'SIGTERM');
    cluster.startNode('b', { ...foreign, nodes: `a=${a.raft},z=${b.raft}` });
    await problemsOf(cluster, 'b', /belongs to cluster/);
    await restarted(cluster, 'b');
    await repaired(cluster);
  });

  it('another secret', async () => {
    const cluster = await prepared(2);
    cluster.startNode('a', {}, { CLUSTER_SECRET: 'the-first-secret-of-all' });
    cluster.startNode('b', {}, { CLUSTER_SECRET: 'quite-another-secret-it-is' });
    for (const id of ['a', 'b']) await problemsOf(cluster, id, /the cluster secrets of node "[ab]".* differ/);
    await restarted(cluster, 'b', { CLUSTER_SECRET: 'the-first-secret-of-all' });
    await repaired(cluster);
  });

  it('a list of another length', async () => {
    const cluster = await prepared(2);
    const [a, b] = cluster.members as [(typeof cluster.members)[0], (typeof cluster.members)[0]];
    const [third] = await freePorts(1);
    cluster.startNode('a', { nodes: `a=${a.raft},b=${b.raft}` });
    cluster.startNode('b', { nodes: `a=${a.raft},b=${b.raft},c=127.0.0.1:${third}` });
    // One sentence for a place: that of this node or that of the other, whichever came last. The log has both.
    const sentences = [
      /"a" at \S+ lists 2 members, node "b" at \S+ 3: give both the same list/,
      /"b" at \S+ lists 3 members, node "a" at \S+ 2: give both the same list/,
    ] as const;
    const either = new RegExp(sentences.map(({ source }) => source).join('|'));
    for (const [index, id] of (['a', 'b'] as const).entries()) {
      await problemsOf(cluster, id, either);
      await waitFor(`${id} to log what is its own view`, waitMs, () =>
        Promise.resolve(cluster.log(id).some(({ msg }) => sentences[index]!.test(msg))),
      );
    }
  });

  it('another transport', async () => {
    const cluster = await prepared(2);
    cluster.startNode('a', {}, { CLUSTER_TRANSPORT: 'tcp' });
    cluster.startNode('b', { transport: 'grpc' });
    const pattern = /"b" .*speaks gRPC \(CLUSTER_TRANSPORT=grpc\).*plain TCP|"a" .*speaks plain TCP.*by gRPC/;
    await problemsOf(cluster, 'a', pattern);
    await problemsOf(cluster, 'b', pattern);
  });

  it('another cluster that was founded before', async () => {
    const cluster = await prepared(2);
    for (const { id, raft } of cluster.members) {
      cluster.startNode(id, { nodes: `${id}=${raft}` });
      await waitFor(`${id} to found a cluster of its own`, waitMs, async () => {
        // With a command in its log a node knows its cluster from the start (ADR 40).
        const answer = await fetch(`http://${cluster.member(id).api}/config`, {
          method: 'POST',
          headers: { 'content-type': 'application/yaml', 'idempotency-key': 'once' },
          body: plan,
        });
        return answer.ok;
      });
      await cluster.processes.kill(id, 'SIGTERM');
    }
    for (const { id } of cluster.members) cluster.startNode(id);
    for (const id of ['a', 'b'])
      await problemsOf(cluster, id, /belongs to cluster \S+, node "[ab]" at \S+ to cluster /);
  });

  it('another cluster that was founded before, without a command ever in its log', async () => {
    const cluster = await prepared(2);
    for (const { id, raft } of cluster.members) {
      cluster.startNode(id, { nodes: `${id}=${raft}` });
      await founded(cluster, id, 1);
      await cluster.processes.kill(id, 'SIGTERM');
    }
    for (const { id } of cluster.members) cluster.startNode(id);
    // A founding is claimed only once it is certain (ADR 40), so the two may have connected before.
    for (const id of ['a', 'b']) {
      await problemsOf(cluster, id, /belongs to cluster \S+, node "[ab]" at \S+ to cluster /);
      const { leader_id, peers } = await health(cluster, id);
      expect({ leader_id, peers }).toEqual({ leader_id: id, peers: 1 });
    }
  });

  it('another address than the list says', async () => {
    const cluster = await prepared(2);
    const [a, b] = cluster.members as [(typeof cluster.members)[0], (typeof cluster.members)[0]];
    const [deserted] = await freePorts(1);
    cluster.startNode('a', { nodes: `a=${a.raft},b=127.0.0.1:${deserted}` });
    cluster.startNode('b', { nodes: `a=${a.raft},b=${b.raft}` });
    const pattern = new RegExp(
      `"b" is at ${b.raft} by its own CLUSTER_NODES, but at 127.0.0.1:${deserted} by that of node "a"`,
    );
    for (const id of ['a', 'b']) await problemsOf(cluster, id, pattern);
    // Repaired, it is gone without a restart of the other.
    await restarted(cluster, 'a');
    await repaired(cluster);
  });

  it('the same name twice', async () => {
    const cluster = await prepared(2);
    const [one, two] = cluster.members.map(({ raft }) => raft) as [string, string];
    cluster.startNode('a', { nodes: `a=${one},b=${two}` });
    cluster.startNode('b', { 'node-id': 'a', nodes: `b=${one},a=${two}` });
    for (const id of ['a', 'b']) await problemsOf(cluster, id, /two processes call themselves "a"/);
    await cluster.processes.kill('b', 'SIGTERM');
    cluster.startNode('b', { 'data-dir': `${cluster.directory}/as-b` });
    await repaired(cluster);
  });
});

describe('addresses', () => {
  it('a node that was given no id takes the one the list has for its address', async () => {
    const cluster = await prepared(1);
    cluster.startNode('a', { 'node-id': '' });
    expect(await cluster.formed()).toMatchObject({ node_id: 'a', leader_id: 'a', peers: 1 });
  });

  it('IPv4, IPv6 and host names form one cluster, with a shared secret', async () => {
    const cluster = await prepared(3, ['127.0.0.1', '[::1]', 'localhost']);
    for (const { id } of cluster.members) cluster.startNode(id, {}, { CLUSTER_SECRET: 'a-secret-that-all-share' });
    const formed = await cluster.formed();
    expect(formed).toMatchObject({ peers: 3, cluster_formed: true, problems: [] });
  });
});

describe('CLUSTER_TRANSPORT', () => {
  it('three nodes that speak plain TCP form one cluster, with a shared secret', async () => {
    const cluster = await prepared(3);
    const environment = { CLUSTER_TRANSPORT: 'tcp', CLUSTER_SECRET: 'a-secret-that-all-share' };
    for (const { id } of cluster.members) cluster.startNode(id, {}, environment);
    const formed = await cluster.formed();
    expect(formed).toMatchObject({ peers: 3, cluster_formed: true, problems: [] });
  });
});
