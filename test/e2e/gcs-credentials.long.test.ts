import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeGoogle } from '../unit/gcs/fake-google.ts';
import { TestCluster } from './support/cluster.ts';
import { everyoneSays, waitMs } from './support/consul.ts';
import { startRecorder } from './support/helpers.ts';

let google: FakeGoogle;
let cluster: TestCluster;
let recorder: Awaited<ReturnType<typeof startRecorder>>;

beforeEach(async () => {
  google = await FakeGoogle.start();
  recorder = await startRecorder();
  cluster = await TestCluster.prepare(1);
});
afterEach(async () => {
  await cluster.stop();
  await recorder.stop();
  await google.stop();
});

/** Whoever runs this test may have credentials: the node does not find them. */
function startNode(environment: Record<string, string>): void {
  const home = join(cluster.directory, 'home');
  mkdirSync(home, { recursive: true });
  const nothing = { HOME: home, CLOUDSDK_CONFIG: home, GOOGLE_APPLICATION_CREDENTIALS: '', GCE_METADATA_IP: '' };
  cluster.startNode(
    'a',
    { 'config-source': 'gcs' },
    {
      ...nothing,
      ...{ GCS_CONFIG_BUCKET: 'plans', GCS_CONFIG_OBJECT: 'plan.yaml', GCS_API_ENDPOINT: `http://${google.host}` },
      ...environment,
    },
  );
}

it('a node on Google Cloud reads its plan with the token of its machine, and with nothing to set', async () => {
  const text = `
version: "1.0"
config: { baseUrl: "${recorder.baseUrl}", duration: 1s }
load: { model: rps, target: 20 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;
  google.onAsked = (asked) => (google.asked.length === 1 ? asked.answer(404) : asked.give(17, text));
  const metadata = { GCE_METADATA_HOST: google.host, METADATA_SERVER_DETECTION: 'assume-present' };
  startNode({ ...metadata, GCS_API_ENDPOINT_AUTH: 'adc' });
  await cluster.runReaches('finished', waitMs);
  // A busy machine may have asked once more.
  expect(google.asked.length).toBeGreaterThanOrEqual(2);
  expect(new Set(google.asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer the-token']));
  expect(cluster.log('a')).toContainEqual(
    expect.objectContaining({ msg: 'submitted the plan of its source', submission: 'gs://plans/plan.yaml#17' }),
  );
});

it('without credentials nobody is asked for the plan, and the node says what to do', async () => {
  startNode({ METADATA_SERVER_DETECTION: 'none', GCS_API_ENDPOINT_AUTH: 'adc' });
  await everyoneSays(cluster, /no Google credentials; .*gcloud auth application-default login/);
  expect(google.asked).toEqual([]);
});
