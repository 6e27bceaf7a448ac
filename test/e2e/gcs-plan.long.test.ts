import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunReport } from '../../node/src/results/report.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { availableOrSkip } from '../support/available.ts';
import { findFakeGcs } from '../support/gcs/find.ts';
import { FakeGcsServer } from '../support/gcs/server.ts';
import { buildTimeoutMs } from '../support/go-build.ts';
import { type LogLine, TestCluster } from './support/cluster.ts';
import { everyoneSays, waitMs } from './support/consul.ts';
import { startRecorder } from './support/helpers.ts';
import { tutti } from './support/tutti.ts';

const timeout = buildTimeoutMs + 240_000;

const plan = (baseUrl: string, seconds: number, name = 'hit'): string => `
version: "1.0"
metadata: { name: ${name} }
config: { baseUrl: "${baseUrl}", duration: ${seconds}s }
load: { model: rps, target: 20 }
scenarios: [{ name: ${name}, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

describe('CLUSTER_CONFIG_SOURCE=gcs, with a real fake-gcs-server', { timeout }, () => {
  let gcs: FakeGcsServer | null = null;
  let cluster: TestCluster;
  let recorder: Awaited<ReturnType<typeof startRecorder>>;

  beforeEach(async (context) => {
    gcs = await FakeGcsServer.start(await availableOrSkip(context, findFakeGcs));
    recorder = await startRecorder();
    cluster = await TestCluster.prepare(3);
  }, timeout);
  afterEach(async () => {
    if (gcs === null) return;
    await cluster.stop();
    await recorder.stop();
    await gcs.stop();
    gcs = null;
  });

  const startNode = (id: string, flags: Record<string, string> = {}): void =>
    cluster.startNode(id, {
      ...{ 'config-source': 'gcs', 'gcs-config-bucket': 'plans', 'gcs-config-object': 'team/plan.yaml' },
      ...{ 'gcs-api-endpoint': gcs!.endpoint, 'gcs-poll-secs': '1', 'gcs-results-bucket': 'results' },
      ...flags,
    });
  const start = async (flags?: Record<string, string>): Promise<void> => {
    for (const { id } of cluster.members) startNode(id, flags);
    await cluster.formed();
  };
  const upload = (text: string): Promise<string> => gcs!.upload('team/plan.yaml', text);
  const nextRun = (after: string): Promise<string> =>
    waitFor('the next run to be finished', waitMs, async () => {
      const { runId, state } = await cluster.runReaches('finished', waitMs);
      return runId !== after && state === 'finished' && runId;
    });
  /** Of all nodes, what was made of a generation. */
  const submitted = (): readonly (LogLine & { readonly submission?: string })[] =>
    cluster.members.flatMap(({ id }) => cluster.log(id)).filter(({ msg }) => /plan of its source/.test(msg));

  /** What stands in the bucket of results, once it is so many. */
  const results = (count: number): Promise<readonly RunReport[]> =>
    waitFor(`${count} results in the bucket`, waitMs, async () => {
      const texts = await gcs!.results();
      return texts.length >= count && texts.map((text) => JSON.parse(text) as RunReport);
    });

  it('an upload begins a run, another one the next; a leader that is killed between them repeats nothing', async () => {
    await start();
    await everyoneSays(cluster, /no gs:\/\/plans\/team\/plan\.yaml.*gcloud storage cp config\.yaml gs:\/\/plans\/team/);
    const text = plan(recorder.baseUrl, 1);
    const first = await upload(text);
    const { runId } = await cluster.runReaches('finished', waitMs);
    const leader = await cluster.leader();
    await cluster.processes.kill(leader, 'SIGKILL');
    startNode(leader);
    await cluster.formed();
    const node = `http://${cluster.members[1]!.api}`;
    const again = await tutti(['reload', '--node', node, '--json']);
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { run_id: runId, created: false }]);
    expect((await recorder.hits()).numbers).toHaveLength(20);
    expect(await results(1)).toHaveLength(1);
    const second = await upload(text);
    await nextRun(runId);
    expect((await recorder.hits()).numbers).toHaveLength(40);
    const each = [first, second].map((generation) => `gs://plans/team/plan.yaml#${generation}`);
    expect(
      submitted()
        .map(({ submission }) => submission)
        .sort(),
    ).toEqual(each);
    const reports = await results(2);
    expect(reports.map(({ run }) => run.submission)).toEqual(each);
    expect(reports[1]).toEqual(await cluster.report());
  });

  it('a leader that is killed in mid-run: its successor goes on with it, and with no other', async () => {
    await start();
    await upload(plan(recorder.baseUrl, 6));
    const { runId } = await cluster.runReaches('running', waitMs, 1_000);
    const leader = await cluster.leader();
    await cluster.processes.kill(leader, 'SIGKILL');
    startNode(leader);
    expect((await cluster.runReaches('finished', waitMs)).runId).toBe(runId);
    const { numbers } = await recorder.hits();
    expect(new Set(numbers).size).toBe(numbers.length);
    await cluster.formed();
    expect(submitted()).toHaveLength(1);
  });

  it('a server that is away, an object that is deleted and a plan that is wrong are told; the next good one is run', async () => {
    const text = plan(recorder.baseUrl, 1);
    await upload(text);
    await start();
    const { runId } = await cluster.runReaches('finished', waitMs);
    await gcs!.kill();
    await everyoneSays(cluster, /ECONNREFUSED/);
    await gcs!.startAgain();
    await everyoneSays(cluster, /there is no gs:/);
    await upload('version: "1.0"\nload: 7\n');
    await everyoneSays(cluster, /gs:\/\/plans\/team\/plan\.yaml:2:7/);
    // As an upload may that replaces.
    await gcs!.delete('team/plan.yaml');
    await upload(text);
    await nextRun(runId);
    expect((await recorder.hits()).numbers).toHaveLength(40);
  });

  it('without GCS_POLL_SECS another upload is read when somebody asks', async () => {
    const first = plan(recorder.baseUrl, 1);
    await upload(first);
    await start({ 'gcs-poll-secs': '' });
    const { runId } = await cluster.runReaches('finished', waitMs);
    await upload(plan(recorder.baseUrl, 1, 'other'));
    const { code, stdout } = await tutti(['reload', '--node', `http://${cluster.members[0]!.api}`]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^accepted: run-/)]);
    await nextRun(runId);
  });
});
