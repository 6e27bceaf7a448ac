import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firedOnce } from './support/fired-once.ts';
import { startRecorder } from './support/helpers.ts';
import { TestCluster } from './support/cluster.ts';

const durationMs = 7_000;
const ratePerSecond = 60;

const plan = (baseUrl: string): string => `
version: "1.0"
config: { baseUrl: "${baseUrl}", duration: ${durationMs / 1_000}s }
load: { model: rps, target: ${ratePerSecond} }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

describe('SIGTERM to the leader in mid-run', () => {
  let cluster: TestCluster;
  let recorder: Awaited<ReturnType<typeof startRecorder>>;

  beforeAll(async () => {
    recorder = await startRecorder();
    cluster = await TestCluster.start(3);
  });
  afterAll(async () => {
    await cluster.stop();
    await recorder.stop();
  });

  it('costs nothing: its stripe is fired up to where the others take it over, and all it measured is counted', async () => {
    const leader = await cluster.leader();
    await cluster.submit(plan(recorder.baseUrl), 'the-one-run');
    await cluster.runReaches('running', 20_000, 2_000);
    await cluster.processes.kill(leader, 'SIGTERM');
    await cluster.runReaches('finished', 60_000);
    const report = await cluster.report();
    expect(report.stripeChanges.map(({ reason }) => reason)).toContain(`${leader} is ending`);
    expect(report.nodes.map(({ state, lost }) => [state, lost])).toEqual([
      ['finished', null],
      ['finished', null],
      ['finished', null],
    ]);
    const planned = (ratePerSecond * durationMs) / 1_000;
    expect(await firedOnce(cluster, recorder, planned)).toBe(0);
  });
});
