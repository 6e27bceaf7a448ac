import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import type { ConsulAgent } from '../support/consul/agent.ts';
import { buildTimeoutMs } from '../support/go-build.ts';
import { startConsul, waitMs } from './support/consul.ts';
import { startRecorder } from './support/helpers.ts';
import { ConsulCluster, service } from './support/consul-cluster.ts';

const plan = (baseUrl: string): string => `
version: "1.0"
config: { baseUrl: "${baseUrl}", duration: 2s }
load: { model: rps, target: 20 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

const timeout = buildTimeoutMs + 240_000;

describe('DISCOVERY_MODE=consul, with a real Consul', { timeout }, () => {
  let consul: ConsulAgent | null = null;
  let cluster: ConsulCluster | null = null;
  let recorder: Awaited<ReturnType<typeof startRecorder>> | null = null;

  afterEach(async () => {
    await cluster?.stop();
    await consul?.stop();
    await recorder?.stop();
    [consul, cluster, recorder] = [null, null, null];
  });

  /** The ports that DNS gives for a role, sorted; each node here has its own. */
  const portsOf = async (role: string): Promise<readonly number[]> => {
    const resolver = new Resolver();
    resolver.setServers([consul!.dnsAddress]);
    const found = await resolver.resolveSrv(`${role}.${service}.service.consul`).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') return [];
      throw error;
    });
    return found.map(({ port }) => port).sort();
  };
  const dnsSays = async (role: string, ids: readonly string[]): Promise<void> => {
    const expected = ids.map((id) => Number(cluster!.nodes.member(id).raft.split(':')[1])).sort();
    await waitFor(`DNS to have ${role}: ${ids.join(', ')}`, waitMs, async () => {
      const ports = await portsOf(role);
      return ports.join() === expected.join();
    });
  };
  const others = (...gone: readonly string[]): readonly string[] => cluster!.ids.filter((id) => !gone.includes(id));

  it('nodes register and deregister; the tags, in the catalogue and by DNS, follow a leader that is killed', async (context) => {
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 3);
    cluster.start(['a']);
    await cluster.tagged('forming', ['a']);
    await dnsSays('forming', ['a']);
    cluster.start(['b', 'c']);
    await cluster.formed();
    const leader = await cluster.leader();
    await cluster.tagged('leader', [leader]);
    await cluster.tagged('follower', others(leader));
    await dnsSays('leader', [leader]);
    await dnsSays('follower', others(leader));
    expect(await portsOf('forming')).toEqual([]);
    const entries = await cluster.catalogue();
    expect(entries.map(({ address }) => address).sort()).toEqual(cluster.nodes.members.map(({ raft }) => raft).sort());

    await cluster.nodes.processes.kill(leader, 'SIGKILL');
    const next = await cluster.leader(others(leader));
    await cluster.tagged('leader', [next]);
    await dnsSays('leader', [next]);
    // What the killed one left behind is there, but nobody takes it for a node.
    expect((await cluster.catalogue()).find(({ node }) => node === leader)).toMatchObject({ isPassing: false });

    cluster.start([leader]);
    await cluster.formed();
    await cluster.tagged('follower', others(next));
    const stopped = await Promise.all(
      cluster.ids.map(async (id) => {
        await cluster!.nodes.processes.kill(id, id === next ? 'SIGINT' : 'SIGTERM');
        return (await cluster!.catalogue()).some(({ node }) => node === id);
      }),
    );
    expect(stopped).toEqual([false, false, false]);
  });

  it('a fourth node joins as a learner and becomes a voter; one that leaves for good is no voter, and may come back', async (context) => {
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 4, {}, { CLUSTER_LEAVE_ON_STOP: 'true' });
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
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 3, {}, { CLUSTER_LEAVE_ON_STOP: 'true' });
    for (let round = 1; round <= 3; round += 1) {
      cluster.start();
      await cluster.formed();
      await Promise.all(cluster.ids.map((node) => cluster!.nodes.processes.kill(node, 'SIGTERM')));
    }
  });

  it('founders that lost their disks, even all but one, found no second cluster: they join the one there is', async (context) => {
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 3, {}, { CLUSTER_LEAVE_ON_STOP: 'true' });
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
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 4);
    cluster.start(['a', 'b', 'c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    cluster.start(['d'], { 'node-id': 'b' });
    await waitFor('the second to end', waitMs, () => Promise.resolve(cluster!.nodes.processes.firstDead() !== null));
    await cluster.nodes.processes.kill('d', 'SIGTERM');
    const [first, second] = ['b', 'd'].map((node) => cluster!.nodes.member(node).raft);
    expect(cluster.logText('d')).toContain(
      `two processes call themselves "b": one at ${first}, and this one at ${second}, which came later and ends`,
    );
    expect(await cluster.formed(['a', 'b', 'c'])).toBe(id);
  });

  it('an entry that a killed node left behind founds nothing', async (context) => {
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 4);
    cluster.start(['a', 'b']);
    await cluster.tagged('forming', ['a', 'b']);
    await cluster.nodes.processes.kill('b', 'SIGKILL');
    cluster.start(['c']);
    await waitFor('three to be registered', waitMs, async () => (await cluster!.catalogue()).length === 3);
    await waitFor('a and c to know that they are two', waitMs, () =>
      Promise.resolve(['a', 'c'].some((id) => cluster!.logText(id).includes('2 of 3 expected nodes are'))),
    );
    cluster.start(['d']);
    await cluster.formed(['a', 'c', 'd']);
  });

  it('Consul may be killed and come back with nothing: the nodes are registered again, and it is one cluster still', async (context) => {
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 4);
    cluster.start(['a', 'b', 'c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    await consul.kill('SIGKILL');
    consul.forget();
    await consul.startAgain();
    const leader = await cluster.leader(['a', 'b', 'c']);
    await cluster.tagged('leader', [leader]);
    await cluster.tagged('follower', others('d', leader));
    cluster.start(['d']);
    expect(await cluster.formed()).toBe(id);
  });

  it('nodes that are started again on their disks, each at the address of another, are who they were', async (context) => {
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 4);
    cluster.start(['a', 'b', 'c']);
    await cluster.formed(['a', 'b', 'c']);
    cluster.start(['d']);
    const id = await cluster.formed();
    await Promise.all(cluster.ids.map((node) => cluster!.nodes.processes.kill(node, 'SIGTERM')));
    const moved = ['b', 'c', 'd', 'a'].map((node) => cluster!.nodes.member(node));
    cluster.ids.forEach((node, index) => cluster!.start([node], { 'bind-addr': moved[index]!.raft }));
    expect(await cluster.formed()).toBe(id);
  });

  it('with ACLs a token of the rights in docs/discovery.md is enough, and without one nobody is registered', async (context) => {
    consul = await startConsul(context, { acl: true });
    const rules = /```hcl\n# discovery\n([^`]*)```/.exec(readFileSync('docs/discovery.md', 'utf8'))![1]!;
    cluster = await ConsulCluster.prepare(consul, 4, {}, { CONSUL_HTTP_TOKEN: await consul.createToken(rules) });
    cluster.start(['a', 'b', 'c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    const leader = await cluster.leader(['a', 'b', 'c']);
    await cluster.tagged('leader', [leader]);
    cluster.start(['d'], {}, { CONSUL_HTTP_TOKEN: '' });
    await waitFor('d to say why', waitMs, () =>
      Promise.resolve(cluster!.logText('d').includes('set CONSUL_HTTP_TOKEN')),
    );
    await cluster.nodes.processes.kill('d', 'SIGTERM');
    cluster.start(['d']);
    expect(await cluster.formed()).toBe(id);
    await cluster.nodes.processes.kill('d', 'SIGTERM');
    expect((await cluster.catalogue()).map(({ node }) => node).sort()).toEqual(['a', 'b', 'c']);
  });

  it('seven nodes that are started at one moment, three of them expected, are one cluster, 20 times', async (context) => {
    consul = await startConsul(context);
    for (let round = 1; round <= 20; round += 1) {
      cluster = await ConsulCluster.prepare(consul, 7, { id: `round-${round}` });
      cluster.start();
      await cluster.formed();
      await cluster.stop();
    }
  });

  it('a put of the plan starts one run on nodes that have found each other, and its leader is tagged by then', async (context) => {
    consul = await startConsul(context);
    recorder = await startRecorder();
    cluster = await ConsulCluster.prepare(consul, 3, { 'config-source': 'consul-kv' });
    cluster.start();
    await cluster.formed();
    await consul.cli(['kv', 'put', 'loadtest/config', plan(recorder.baseUrl)]);
    await waitFor('the run to have begun', waitMs, async () => (await recorder!.hits()).numbers.length > 0);
    await cluster.tagged('leader', [await cluster.leader()]);
    await cluster.nodes.runReaches('finished', waitMs);
    expect((await recorder.hits()).numbers).toHaveLength(40);
  });

  it('by DNS the nodes find each other as well, one that comes later too', async (context) => {
    consul = await startConsul(context);
    const [host, port] = consul.dnsAddress.split(':');
    cluster = await ConsulCluster.prepare(consul, 4, {
      'consul-dns': `${host === '127.0.0.1' ? 'localhost' : host}:${port}`,
    });
    cluster.start(['a', 'b', 'c']);
    const id = await cluster.formed(['a', 'b', 'c']);
    cluster.start(['d']);
    expect(await cluster.formed()).toBe(id);
  });
});
