import { afterEach, expect, it, vi } from 'vitest';
import { withoutSettings } from '../../scripts/lib/processes.ts';
import { TestCluster } from './support/cluster.ts';

let cluster: TestCluster | null = null;
afterEach(async () => {
  vi.unstubAllEnvs();
  await cluster?.stop();
});

it('nodes that the demo or a test starts hear nothing of the settings of whoever starts them', async () => {
  vi.stubEnv('CLUSTER_ENABLED', 'false');
  vi.stubEnv('CLUSTER_NODES', 'garbage');
  vi.stubEnv('CLUSTER_NODSE', 'no setting at all, which a node refuses');
  vi.stubEnv('GCS_CONFIG_BUCKET', 'of another source, which a node refuses');
  vi.stubEnv('API_AUTH_TOKEN', 'a-token-that-nobody-sends');
  vi.stubEnv('LOG_LEVEL', 'loud');
  vi.stubEnv('TUTTI_TEST_HEARD', 'yes');
  cluster = await TestCluster.prepare(1);
  cluster.startNode('a', {}, { CLUSTER_REGION: 'given' });
  expect(await cluster.formed()).toMatchObject({ node_id: 'a', region: 'given' });
  const { status } = await fetch(`http://${cluster.member('a').api}/stop`, { method: 'POST' });
  expect(status).toBe(404);
  // Everything else is the user's: PATH, HOME, NO_COLOR.
  expect(withoutSettings(process.env)).toMatchObject({ PATH: process.env.PATH, TUTTI_TEST_HEARD: 'yes' });
});
