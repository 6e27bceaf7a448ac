import { afterEach, expect, it } from 'vitest';
import type { ConsulAgent } from '../support/consul/agent.ts';
import { buildTimeoutMs } from '../support/go-build.ts';
import { startConsul } from './support/consul.ts';
import { ConsulCluster } from './support/consul-cluster.ts';

const rounds = 20;
/** What a round takes on a machine that has two cores and more to do. */
const roundMs = 20_000;
let consul: ConsulAgent | null = null;
let cluster: ConsulCluster | null = null;

afterEach(async () => {
  await cluster?.stop();
  await consul?.stop();
  [cluster, consul] = [null, null];
});

it(
  'seven nodes that are started at one moment, three of them expected, are one cluster, 20 times',
  { timeout: buildTimeoutMs + rounds * roundMs },
  async (context) => {
    consul = await startConsul(context);
    for (let round = 1; round <= rounds; round += 1) {
      cluster = await ConsulCluster.prepare(consul, 7, { id: `round-${round}` });
      cluster.start();
      await cluster.formed();
      const { founders } = JSON.parse(await consul.cli(['kv', 'get', `loadtest-cluster/round-${round}/founders`])) as {
        readonly founders: readonly object[];
      };
      expect(founders).toHaveLength(3);
      await cluster.stop();
    }
  },
);
