import { afterAll, afterEach, describe, expect, it, type TestContext } from 'vitest';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import type { ConsulAgent } from '../support/consul/agent.ts';
import { buildTimeoutMs } from '../support/go-build.ts';
import { startConsul, waitMs } from './support/consul.ts';
import { firedOnce } from './support/fired-once.ts';
import { startRecorder } from './support/helpers.ts';
import { ConsulCluster, ownService } from './support/consul-cluster.ts';

const plan = (baseUrl: string): string => `
version: "1.0"
config: { baseUrl: "${baseUrl}", duration: 2s }
load: { model: rps, target: 20 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

const timeout = buildTimeoutMs + 240_000;

describe('DISCOVERY_MODE=consul, with a real Consul', { timeout }, () => {
  /** One for all: each test has a service of its own in it. */
  let consul: ConsulAgent | null = null;
  let cluster: ConsulCluster | null = null;
  let recorder: Awaited<ReturnType<typeof startRecorder>> | null = null;

  afterEach(async () => {
    await cluster?.stop();
    await recorder?.stop();
    [cluster, recorder] = [null, null];
  });
  afterAll(() => consul?.stop());

  const prepare = async (
    context: TestContext,
    size: number,
    flags: Record<string, string> = {},
    env: Record<string, string> = {},
  ): Promise<ConsulCluster> => {
    consul ??= await startConsul(context);
    return (cluster = await ConsulCluster.prepare(consul, size, { ...ownService(), ...flags }, env));
  };
  const others = (...gone: readonly string[]): readonly string[] => cluster!.ids.filter((id) => !gone.includes(id));

  it('nodes register and deregister; the tags, in the catalogue and by DNS, follow a leader that is killed', async (context) => {
    const cluster = await prepare(context, 3);
    cluster.start(['a']);
    await cluster.tagged('forming', ['a']);
    await waitFor('Consul to have asked a node that is forming', waitMs, async () => {
      const isAsked = (await cluster.checked()).includes('/health/cluster: 200 OK');
      return isAsked && (await cluster.portsByDns('forming')).length === 1;
    });
    cluster.start(['b', 'c']);
    await cluster.formed();
    const leader = await cluster.truthfullyTagged();
    const entries = await cluster.catalogue();
    expect(entries.map(({ address }) => address).sort()).toEqual(cluster.nodes.members.map(({ raft }) => raft).sort());

    await cluster.nodes.processes.kill(leader, 'SIGKILL');
    // What the killed one left behind may be there still, but nobody takes it for a node.
    const next = await cluster.truthfullyTagged(others(leader));
    cluster.start([leader]);
    await cluster.formed();
    await cluster.truthfullyTagged();
    const stopped = await Promise.all(
      cluster.ids.map(async (id) => {
        await cluster.nodes.processes.kill(id, id === next ? 'SIGINT' : 'SIGTERM');
        return (await cluster.catalogue()).some(({ node }) => node === id);
      }),
    );
    expect(stopped).toEqual([false, false, false]);
  });

  it('a node that wants no vote is none of those that are expected, and stays a learner', async (context) => {
    const cluster = await prepare(context, 4);
    cluster.start(['d'], { role: 'learner' });
    cluster.start(['a', 'b']);
    await cluster.tagged('forming', ['a', 'b', 'd']);
    const said = 'forming: 2 of 3 expected nodes are here';
    await waitFor('a to wait for a third voter', waitMs, () => Promise.resolve(cluster.logText('a').includes(said)));
    cluster.start(['c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    await waitFor('d to be a learner, and the cluster to be formed with it', waitMs, async () => {
      const health = await cluster.health('d');
      const roles = health.members.map((member) => `${member.id ?? ''} ${member.role ?? ''}`).sort();
      return health.cluster_formed && health.cluster_id === id && roles.join() === 'a voter,b voter,c voter,d learner';
    });
  });

  it('a fourth node joins as a learner and becomes a voter; one that leaves for good is no voter, and may come back', async (context) => {
    const cluster = await prepare(context, 4, {}, { CLUSTER_LEAVE_ON_STOP: 'true' });
    cluster.start(['a', 'b', 'c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    cluster.start(['d']);
    expect(await cluster.formed()).toBe(id);
    const leader = await cluster.leader();
    await cluster.nodes.processes.kill(leader, 'SIGTERM');
    expect(await cluster.formed(others(leader))).toBe(id);
    const second = others(leader)[0]!;
    await cluster.nodes.processes.kill(second, 'SIGTERM');
    expect(await cluster.formed(others(leader, second))).toBe(id);
    cluster.start([leader, second]);
    expect(await cluster.formed()).toBe(id);
  });

  it('all may leave at one moment and be started again, twice: they are one cluster each time', async (context) => {
    const cluster = await prepare(context, 3, {}, { CLUSTER_LEAVE_ON_STOP: 'true' });
    for (let round = 1; round <= 3; round += 1) {
      cluster.start();
      await cluster.formed();
      await Promise.all(cluster.ids.map((node) => cluster.nodes.processes.kill(node, 'SIGTERM')));
    }
  });

  it('founders that lost their disks, even all but one, found no second cluster: they join the one there is', async (context) => {
    const cluster = await prepare(context, 3, {}, { CLUSTER_LEAVE_ON_STOP: 'true' });
    cluster.start();
    const id = await cluster.formed();
    const [last, ...gone] = [await cluster.leader(), ...others(await cluster.leader())];
    for (const node of gone) await cluster.nodes.processes.kill(node, 'SIGTERM');
    await cluster.formed([last]);
    await cluster.nodes.processes.kill(last, 'SIGKILL');
    cluster.start(gone);
    await cluster.tagged('forming', gone);
    cluster.start([last]);
    expect(await cluster.formed()).toBe(id);
  });

  it('two nodes with one id: the second is refused by name, and the first goes on', async (context) => {
    const cluster = await prepare(context, 4);
    cluster.start(['a', 'b', 'c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    cluster.start(['d'], { 'node-id': 'b' });
    await waitFor('the second to end', waitMs, () => Promise.resolve(cluster.nodes.processes.firstDead() !== null));
    await cluster.nodes.processes.kill('d', 'SIGTERM');
    const [first, second] = ['b', 'd'].map((node) => cluster.nodes.member(node).raft);
    expect(cluster.logText('d')).toContain(
      `two processes call themselves "b": one at ${first}, and this one at ${second}, which came later and ends`,
    );
    expect(await cluster.formed(['a', 'b', 'c'])).toBe(id);
  });

  it('an entry that a killed node left behind founds nothing', async (context) => {
    const cluster = await prepare(context, 4);
    cluster.start(['a', 'b']);
    await cluster.tagged('forming', ['a', 'b']);
    await cluster.nodes.processes.kill('b', 'SIGKILL');
    cluster.start(['c']);
    await waitFor('three to be registered', waitMs, async () => (await cluster.catalogue()).length === 3);
    // With the dead one among the founders nobody could be admitted, so d would never be a voter.
    cluster.start(['d']);
    await cluster.formed(['a', 'c', 'd']);
  });

  it('nodes that are started again on their disks, each at the address of another, are who they were', async (context) => {
    const cluster = await prepare(context, 4);
    cluster.start(['a', 'b', 'c']);
    await cluster.formed(['a', 'b', 'c']);
    cluster.start(['d']);
    const id = await cluster.formed();
    await Promise.all(cluster.ids.map((node) => cluster.nodes.processes.kill(node, 'SIGTERM')));
    const moved = ['b', 'c', 'd', 'a'].map((node) => cluster.nodes.member(node));
    cluster.ids.forEach((node, index) => cluster.start([node], { 'bind-addr': moved[index]!.raft }));
    expect(await cluster.formed()).toBe(id);
  });

  it('a put of the plan starts one run on nodes that have found each other, and its leader is tagged by then', async (context) => {
    recorder = await startRecorder();
    const cluster = await prepare(context, 3, { 'config-source': 'consul-kv' });
    cluster.start();
    await cluster.formed();
    await consul!.cli(['kv', 'put', 'loadtest/config', plan(recorder.baseUrl)]);
    await waitFor('the run to have begun', waitMs, async () => (await recorder!.hits()).numbers.length > 0);
    await cluster.truthfullyTagged();
    await cluster.nodes.runReaches('finished', waitMs);
    expect(await firedOnce(cluster.nodes, recorder, 40)).toBe(0);
  });

  it('by DNS the nodes find each other as well, one that comes later too', async (context) => {
    consul ??= await startConsul(context);
    const port = consul.dnsAddress.split(':')[1]!;
    // Counted as rust_loadtest did: the others.
    const counted = { 'expect-nodes': '', 'min-peers': '2' };
    const cluster = await prepare(context, 4, { 'consul-dns': `localhost:${port}`, ...counted });
    cluster.start(['a', 'b', 'c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    cluster.start(['d']);
    expect(await cluster.formed()).toBe(id);
  });
});
