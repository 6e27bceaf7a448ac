import { afterEach, expect, it, vi } from 'vitest';
import { Registrar } from '../../../node/src/discovery/registrar.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { availableOrSkip } from '../../support/available.ts';
import { ConsulAgent } from '../../support/consul/agent.ts';
import { findConsul } from '../../support/consul/find.ts';
import { buildTimeoutMs } from '../../support/go-build.ts';
import { freePorts } from '../../support/ports.ts';
import { ManualClock } from '../../unit/transport/manual-clock.ts';

const name = 'loadtest-cluster';
/** Consul asks every 5 s. */
const patience = { timeout: 60_000, interval: 100 };
let agent: ConsulAgent | null = null;
let registrar: Registrar | null = null;

afterEach(async () => {
  await registrar?.close();
  await agent?.stop();
  [registrar, agent] = [null, null];
});

it(
  'a real Consul is told where a node is and how to ask it, and the node hears when it cannot be asked',
  { timeout: buildTimeoutMs + 120_000 },
  async (context) => {
    agent = await ConsulAgent.start(await availableOrSkip(context, findConsul));
    const [nobody] = await freePorts(1);
    const clock = new ManualClock();
    const warned: string[] = [];
    registrar = new Registrar({
      consul: { ...{ token: null, ca: null, cert: null, key: null, serverName: null, verify: true }, url: agent.url },
      node: {
        ...{ serviceName: name, cluster: 'c', nodeId: 'a "node"', incarnation: '0123456789', region: 'north' },
        ...{ host: '10.0.0.1', port: 7000, apiAddress: `127.0.0.1:${nobody}` },
      },
      ...{ clock, random: () => 0 },
      log: { ...silentLog, warn: (_fields, message) => void warned.push(message) },
    });
    registrar.set('forming');
    await registrar.known(1_000_000);
    const [entry] = JSON.parse(await agent.get(`/v1/health/service/${name}`)) as [
      { readonly Service: object; readonly Checks: readonly { readonly ServiceID: string }[] },
    ];
    expect(entry.Service).toMatchObject({
      ...{ Address: '10.0.0.1', Port: 7000, Tags: ['forming', 'cluster-c'] },
      Meta: { node_id: 'a "node"', region: 'north', cluster_id: 'c', api: `127.0.0.1:${nobody}` },
    });
    expect(entry.Checks.filter(({ ServiceID }) => ServiceID !== '')).toMatchObject([
      { Status: 'passing', Type: 'http', Interval: '5s', Timeout: '2s' },
    ]);
    await vi.waitFor(() => {
      clock.advance(1_000);
      expect(warned.join()).toContain(
        `check of this node fails, so nobody finds it: Get "http://127.0.0.1:${nobody}/health/cluster"`,
      );
    }, patience);
  },
);
