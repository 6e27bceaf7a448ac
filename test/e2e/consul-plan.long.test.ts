import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import type { RunProgress } from '../../node/src/results/progress.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import type { ConsulAgent } from '../support/consul/agent.ts';
import { buildTimeoutMs } from '../support/go-build.ts';
import { makeTlsIdentity } from '../integration/transport/certificates.ts';
import { TestCluster } from './support/cluster.ts';
import { everyoneSays, startConsul, waitMs } from './support/consul.ts';
import { firedOnce } from './support/fired-once.ts';
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

describe('CLUSTER_CONFIG_SOURCE=consul-kv, with a real Consul', { timeout }, () => {
  let consul: ConsulAgent | null = null;
  let cluster: TestCluster | null = null;
  let recorder: Awaited<ReturnType<typeof startRecorder>> | null = null;

  afterEach(async () => {
    await cluster?.stop();
    await consul?.stop();
    await recorder?.stop();
    [cluster, consul, recorder] = [null, null, null];
  });

  const put = (text: string): Promise<string> => consul!.cli(['kv', 'put', 'loadtest/config', text]);
  const start = async (size: number, flags: Record<string, string> = {}, env: Record<string, string> = {}) => {
    recorder = await startRecorder();
    cluster = await TestCluster.prepare(size);
    const all = { 'config-source': 'consul-kv', 'consul-addr': consul!.address, ...flags };
    const startNode = (id: string): void => cluster!.startNode(id, all, env);
    cluster.members.forEach(({ id }) => startNode(id));
    await cluster.formed();
    return { cluster, recorder, startNode };
  };

  it('a missing key is told by every node, with the command; the put begins the run, once', async (context) => {
    consul = await startConsul(context);
    const { cluster, recorder } = await start(3);
    await everyoneSays(cluster, /has no key loadtest\/config; .*consul kv put loadtest\/config @config\.yaml/);
    await put(plan(recorder.baseUrl, 2));
    const { runId } = await cluster.runReaches('finished', waitMs);
    expect(await firedOnce(cluster, recorder, 40)).toBe(0);
    const { length: hits } = (await recorder.hits()).numbers;
    const node = `http://${cluster.members[1]!.api}`;
    const again = await tutti(['reload', '--node', node, '--json']);
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { run_id: runId, created: false }]);
    await put(plan(recorder.baseUrl, 1));
    const changed = await tutti(['reload', '--node', node]);
    expect(changed.stdout).toMatch(/^accepted: run-/);
    await waitFor('the changed plan to be run', waitMs, async () => {
      const { runId: next, state } = await cluster.runReaches('finished', waitMs);
      return next !== runId && state === 'finished';
    });
    expect(await firedOnce(cluster, recorder, 20)).toBe(hits);
  });

  it('a plan that does not parse begins nothing and says where; once it is mended it is run, by reload at once', async (context) => {
    consul = await startConsul(context);
    await put('version: "1.0"\nload: 7\n');
    const { cluster, recorder } = await start(3);
    await everyoneSays(cluster, /consul-kv:loadtest\/config:2:7/);
    const wrong = await tutti(['reload', '--node', `http://${cluster.members[0]!.api}`]);
    expect([wrong.code, wrong.stderr]).toEqual([104, expect.stringContaining('consul-kv:loadtest/config:2:7')]);
    await put(plan(recorder.baseUrl, 1));
    const { code } = await tutti(['reload', '--node', `http://${cluster.members[0]!.api}`]);
    expect(code).toBe(0);
    await cluster.runReaches('finished', waitMs);
    expect(await firedOnce(cluster, recorder, 20)).toBe(0);
  });

  it('watched, a changed key is the next run; Consul may be killed and come back in between', async (context) => {
    consul = await startConsul(context);
    const { cluster, recorder } = await start(3, {}, { CONSUL_CONFIG_WATCH: 'true' });
    await put(plan(recorder.baseUrl, 1));
    const first = await cluster.runReaches('finished', waitMs);
    const { length: hits } = (await recorder.hits()).numbers;
    await consul.kill('SIGKILL');
    await everyoneSays(cluster, /Consul at/);
    await consul.startAgain();
    await put(plan(recorder.baseUrl, 1, 'again'));
    const isAnother = async (): Promise<boolean> => {
      const { runId, state } = await cluster.runReaches('finished', waitMs);
      return runId !== first.runId && state === 'finished';
    };
    await waitFor('the changed plan to be run', waitMs, isAnother);
    expect(await firedOnce(cluster, recorder, 20)).toBe(hits);
  });

  it('a leader that is killed after the fetch: its successor neither fetches again nor begins the run anew', async (context) => {
    consul = await startConsul(context);
    const { cluster, recorder, startNode } = await start(3);
    await put(plan(recorder.baseUrl, 6));
    const { runId } = await cluster.runReaches('running', waitMs, 1_000);
    // Whoever reads it now reads another plan.
    await put(plan(recorder.baseUrl, 1, 'other'));
    const leader = await cluster.leader();
    await cluster.processes.kill(leader, 'SIGKILL');
    startNode(leader);
    expect((await cluster.runReaches('finished', waitMs)).runId).toBe(runId);
    const numbers = (await recorder.hits()).numbers;
    expect(new Set(numbers).size).toBe(numbers.length);
    await cluster.formed();
    expect((await cluster.runReaches('finished', waitMs)).runId).toBe(runId);
    const fetched = cluster.members
      .flatMap(({ id }) => cluster.log(id))
      .filter(({ msg }) => /plan of its source/.test(msg));
    expect(fetched).toHaveLength(1);
  });

  it('a plan that changes while a run is on is refused, or is the next one where that is set', async (context) => {
    consul = await startConsul(context);
    const watching = { CONSUL_CONFIG_WATCH: 'true' };
    const first = await start(1, {}, watching);
    await put(plan(first.recorder.baseUrl, 60));
    const { runId } = await first.cluster.runReaches('running', waitMs);
    await put(plan(first.recorder.baseUrl, 1, 'changed'));
    await waitFor('the refusal to be told', waitMs, async () => {
      const { problems } = await first.cluster.client.get<ClusterHealth>('/health/cluster');
      return problems.some(({ reason }) => reason.includes(`run ${runId} was on`));
    });
    await first.cluster.stop();
    await first.recorder.stop();
    const second = await start(1, { 'on-reload': 'next' }, watching);
    await second.cluster.runReaches('finished', waitMs);
    const isOn = async (name: string, state: string | null): Promise<boolean> => {
      const run = await second.cluster.client.get<RunProgress>('/run');
      return run.planName === name && (state === null || run.state === state);
    };
    await put(plan(second.recorder.baseUrl, 5, 'long'));
    // Whether it has begun by then, or is over, makes no difference to what comes of the next.
    await waitFor('the next run', waitMs, () => isOn('long', null));
    await put(plan(second.recorder.baseUrl, 1, 'short'));
    await waitFor('the run after it', waitMs, () => isOn('short', 'finished'));
    const ofTheLong = await firedOnce(second.cluster, second.recorder, 20);
    expect(ofTheLong).toBeGreaterThan(50);
    expect(new Set((await second.recorder.hits()).numbers.slice(0, ofTheLong)).size).toBe(ofTheLong);
  });

  it('a change of the load alone changes the run that is on: no arrival twice, and the books balance', async (context) => {
    consul = await startConsul(context);
    const { cluster, recorder } = await start(3, {}, { CONSUL_CONFIG_WATCH: 'true' });
    const first = plan(recorder.baseUrl, 60);
    await put(first);
    const { runId } = await cluster.runReaches('running', waitMs, 1_000);
    await put(first.replace('target: 20', 'target: 100').replace('duration: 60s', 'duration: 8s'));
    expect((await cluster.runReaches('finished', waitMs)).runId).toBe(runId);
    const { books, loadChanges, run } = await cluster.report();
    expect(loadChanges).toMatchObject([{ ratePerSecond: 100, workers: null }]);
    const { durationMs, fromMs } = loadChanges[0]!;
    expect([run.durationMs, run.plannedDurationMs]).toEqual([durationMs, durationMs]);
    expect(durationMs).toBe(Math.max(8_000, fromMs));
    expect(books.balanced).toBe(true);
    expect(Math.abs(books.planned! - (fromMs * 20 + (durationMs - fromMs) * 100) / 1_000)).toBeLessThanOrEqual(1);
    const { numbers } = await recorder.hits();
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.length).toBe(books.fired);
  });

  it('with ACLs the rights of docs/consul.md are enough, and without a token the reason is told', async (context) => {
    consul = await startConsul(context, { acl: true });
    const { cluster } = await start(1);
    await everyoneSays(cluster, /403.*Permission denied.*CONSUL_HTTP_TOKEN/);
    await cluster.stop();
    await recorder!.stop();
    const rules = /```hcl\n(key [^`]*)```/.exec(readFileSync('docs/consul.md', 'utf8'))![1]!;
    const token = await consul.createToken(rules);
    const second = await start(1, {}, { CONSUL_HTTP_TOKEN: token });
    await put(plan(second.recorder.baseUrl, 1));
    await second.cluster.runReaches('finished', waitMs);
  });

  it('over TLS, by the variables of Consul itself', async (context) => {
    consul = await startConsul(context, { tls: makeTlsIdentity() });
    const { cluster, recorder } = await start(1, { 'consul-addr': '' }, consul.environment);
    await put(plan(recorder.baseUrl, 1));
    await cluster.runReaches('finished', waitMs);
  });

  it('CLUSTER_ON_CONFIG_ERROR=exit ends the process of the leader, with the reason', async (context) => {
    consul = await startConsul(context);
    await put('load: 7\n');
    cluster = await TestCluster.prepare(1);
    cluster.startNode('a', {
      'config-source': 'consul-kv',
      'consul-addr': consul.address,
      'on-config-error': 'exit',
    });
    const { processes } = cluster;
    const said = await waitFor('the node to end', waitMs, () => Promise.resolve(processes.firstDead() ?? false));
    expect(said).toMatch(/exit code 104[^]*this node cannot go on[^]*loadtest\/config:1/);
  });
});
