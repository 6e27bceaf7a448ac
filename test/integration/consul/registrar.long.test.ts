import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { Registrar } from '../../../node/src/discovery/registrar.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { availableOrSkip } from '../../support/available.ts';
import { ConsulAgent } from '../../support/consul/agent.ts';
import { findConsul } from '../../support/consul/find.ts';
import { buildTimeoutMs } from '../../support/go-build.ts';
import { ManualClock } from '../../unit/transport/manual-clock.ts';

const name = 'loadtest-cluster';
/** Consul asks every 5 s. */
const patience = { timeout: 60_000, interval: 100 };
let agent: ConsulAgent | null = null;
let registrar: Registrar | null = null;
let api: Server | null = null;

afterEach(async () => {
  await registrar?.close();
  await agent?.stop();
  api?.close();
  [registrar, agent, api] = [null, null, null];
});

it(
  'a real Consul is told where a node is and how to ask it, and the node hears when it cannot be asked',
  { timeout: buildTimeoutMs + 120_000 },
  async (context) => {
    agent = await ConsulAgent.start(await availableOrSkip(context, findConsul));
    api = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(api, 'listening');
    const apiAddress = `127.0.0.1:${(api.address() as AddressInfo).port}`;
    const clock = new ManualClock();
    const warned: string[] = [];
    registrar = new Registrar({
      consul: { ...{ token: null, ca: null, cert: null, key: null, serverName: null, verify: true }, url: agent.url },
      node: {
        ...{ serviceName: name, cluster: 'c', nodeId: 'a "node"', incarnation: '0123456789', region: 'north' },
        ...{ host: '10.0.0.1', port: 7000, apiAddress },
      },
      ...{ clock, random: () => 0 },
      log: { ...silentLog, warn: (_fields, message) => void warned.push(message) },
    });
    registrar.set('forming');
    await vi.waitFor(async () => {
      clock.advance(1_000);
      expect(JSON.parse(await agent!.get(`/v1/health/service/${name}?passing`))).toMatchObject([
        {
          Service: {
            ...{ Address: '10.0.0.1', Port: 7000, Tags: ['forming', 'cluster-c'] },
            Meta: { node_id: 'a "node"', region: 'north', cluster_id: 'c', api: apiAddress },
          },
          Checks: [{ CheckID: 'serfHealth' }, { Type: 'http', Interval: '5s', Timeout: '2s' }],
        },
      ]);
    }, patience);
    api.close();
    api.closeAllConnections();
    await vi.waitFor(() => {
      clock.advance(1_000);
      expect(warned.join()).toContain(
        `check of this node fails, so nobody finds it: Get "http://${apiAddress}/health/cluster"`,
      );
    }, patience);
  },
);
