import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { makeTlsIdentity } from '../integration/transport/certificates.ts';
import type { ConsulAgent } from '../support/consul/agent.ts';
import { buildTimeoutMs } from '../support/go-build.ts';
import { startConsul, waitMs } from './support/consul.ts';
import { ConsulCluster } from './support/consul-cluster.ts';

const timeout = buildTimeoutMs + 240_000;
const founders = ['a', 'b', 'c'];

describe('DISCOVERY_MODE=consul, with a real Consul that is not as one would wish', { timeout }, () => {
  let consul: ConsulAgent | null = null;
  let cluster: ConsulCluster | null = null;

  afterEach(async () => {
    await cluster?.stop();
    await consul?.stop();
    [consul, cluster] = [null, null];
  });

  /** A node that is started so says that, and is stopped again. */
  const refused = async (id: string, env: Record<string, string>, reason: RegExp): Promise<void> => {
    const { processes } = cluster!.nodes;
    cluster!.start([id], {}, env);
    const isSaid = (): Promise<boolean> => Promise.resolve(reason.test(cluster!.logText(id)));
    await waitFor(`${id} to say ${reason.source}`, waitMs, isSaid, processes.firstDead);
    await processes.kill(id, 'SIGTERM');
  };

  it('it may be killed and come back with nothing: the nodes are registered again, and it is one cluster still', async (context) => {
    consul = await startConsul(context);
    cluster = await ConsulCluster.prepare(consul, 4);
    cluster.start(founders);
    const id = await cluster.formed(founders);
    await consul.kill('SIGKILL');
    consul.forget();
    await consul.startAgain();
    await cluster.truthfullyTagged(founders);
    cluster.start(['d']);
    expect(await cluster.formed()).toBe(id);
  });

  it('with ACLs a token of the rights in docs/discovery.md is enough, and without one nobody is registered', async (context) => {
    consul = await startConsul(context, { acl: true });
    const rules = /```hcl\n# discovery\n([^`]*)```/.exec(readFileSync('docs/discovery.md', 'utf8'))![1]!;
    cluster = await ConsulCluster.prepare(consul, 4, {}, { CONSUL_HTTP_TOKEN: await consul.createToken(rules) });
    cluster.start(founders);
    const id = await cluster.formed(founders);
    await cluster.truthfullyTagged(founders);
    await refused('d', { CONSUL_HTTP_TOKEN: '' }, /set CONSUL_HTTP_TOKEN/);
    cluster.start(['d']);
    expect(await cluster.formed()).toBe(id);
    await cluster.nodes.processes.kill('d', 'SIGTERM');
    expect((await cluster.catalogue()).map(({ node }) => node).sort()).toEqual(founders);
  });

  it('over TLS, by the variables of Consul itself: each of them counts, and who proves too little is not registered', async (context) => {
    const serverName = 'server.dc1.consul';
    consul = await startConsul(context, { tls: { ...makeTlsIdentity(`DNS:${serverName}`), serverName } });
    cluster = await ConsulCluster.prepare(consul, 4, { 'consul-addr': '' }, consul.environment);
    cluster.start(founders);
    const id = await cluster.formed(founders);
    await cluster.truthfullyTagged(founders);
    await refused('d', { CONSUL_CACERT: '' }, /Consul at https:.*(unable to verify|self-signed)/);
    await refused('d', { CONSUL_TLS_SERVER_NAME: '' }, /Consul at https:.*does not match certificate/);
    await refused('d', { CONSUL_CLIENT_CERT: '', CONSUL_CLIENT_KEY: '' }, /Consul at https:.*certificate required/);
    await refused('d', { CONSUL_HTTP_SSL: '' }, /it answered 400: Client sent an HTTP request to an HTTPS server/);
    cluster.start(['d'], {}, { CONSUL_CACERT: '', CONSUL_TLS_SERVER_NAME: '', CONSUL_HTTP_SSL_VERIFY: 'false' });
    expect(await cluster.formed()).toBe(id);
  });
});
