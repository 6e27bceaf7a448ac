import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import { withoutThisDisk } from '../../node/src/storage/disk-errors.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { startRecorder } from './support/helpers.ts';
import { TestCluster } from './support/cluster.ts';
import { tutti } from './support/tutti.ts';

const waitMs = 20_000;

const plan = (baseUrl: string, seconds: number): string => `
version: "1.0"
metadata: { name: any-node, tenant: shop }
config: { baseUrl: "${baseUrl}", duration: ${seconds}s }
load: { model: rps, target: 30 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

describe('any node of a cluster', () => {
  let cluster: TestCluster;
  let recorder: Awaited<ReturnType<typeof startRecorder>>;
  const get = async <Body>(id: string, path: string): Promise<Body> =>
    (await (await fetch(`http://${cluster.member(id).api}${path}`)).json()) as Body;
  const post = (id: string, text: string, key: string): Promise<Response> =>
    fetch(`http://${cluster.member(id).api}/config`, {
      method: 'POST',
      headers: { 'content-type': 'application/yaml', 'idempotency-key': key },
      body: text,
    });
  const follower = async (): Promise<string> => {
    const leader = await cluster.leader();
    return cluster.members.find(({ id }) => id !== leader)!.id;
  };

  beforeAll(async () => {
    recorder = await startRecorder();
    cluster = await TestCluster.start(3);
  });
  afterAll(async () => {
    await cluster.stop();
    await recorder.stop();
  });

  it('tells the truth about the cluster: one leader, the same everywhere, peers counted with oneself', async () => {
    const all = await waitFor('all nodes to agree', waitMs, async () => {
      const health = await Promise.all(cluster.members.map(({ id }) => get<ClusterHealth>(id, '/health/cluster')));
      // During an election all agree that nobody leads.
      const areFormed = health.every((one) => one.leader_id !== null && one.cluster_formed);
      return (
        areFormed && new Set(health.map(({ leader_id, term }) => `${String(leader_id)} ${term}`)).size === 1 && health
      );
    });
    expect(all.map(({ state }) => state).sort()).toEqual(['follower', 'follower', 'leader']);
    for (const health of all)
      expect(health).toMatchObject({ peers: 3, cluster_formed: true, cluster_ready: false, problems: [] });
    expect(all.find(({ state }) => state === 'leader')?.node_id).toBe(all[0]?.leader_id);
  });

  it('a follower refuses a bad plan itself, with every problem', async () => {
    const answer = await post(await follower(), 'version: "1.0"\nconfg: {}\n', 'bad');
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('did you mean');
  });

  it('a follower takes a plan; the same key twice is one run, another is refused while it is on, stop ends it', async () => {
    const id = await follower();
    const first = (await (await post(id, plan(recorder.baseUrl, 60), 'one')).json()) as {
      run_id: string;
      created: boolean;
    };
    expect(first.created).toBe(true);
    const again = (await (await post(await cluster.leader(), plan(recorder.baseUrl, 60), 'one')).json()) as {
      run_id: string;
      created: boolean;
    };
    expect(again).toMatchObject({ run_id: first.run_id, created: false });
    const reused = await post(id, plan(recorder.baseUrl, 61), 'one');
    expect(reused.status).toBe(422);
    const other = await post(id, plan(recorder.baseUrl, 60), 'two');
    expect(other.status).toBe(409);
    expect(await other.text()).toContain(first.run_id);

    await cluster.runReaches('running', waitMs);
    expect(await get<ClusterHealth>(id, '/health/cluster')).toMatchObject({ cluster_ready: true });
    // When a second is counted, and on which node first, no time of the run can tell.
    await waitFor('the first second in the metrics of a follower', waitMs, async () => {
      const metrics = await (await fetch(`http://${cluster.member(id).api}/metrics`)).text();
      return /tutti_requests_total\{.*scenario="hit".*\} \d+/.test(metrics);
    });

    const status = await tutti(['status', '--node', cluster.member(id).api]);
    expect(status.stdout).toContain(first.run_id);
    const wrongTenant = await tutti(['stop', '--tenant', 'bank', '--node', cluster.member(id).api]);
    expect(wrongTenant.code).not.toBe(0);
    expect((await tutti(['stop', '--tenant', 'shop', '--node', cluster.member(id).api])).code).toBe(0);
    await cluster.runReaches('finished', waitMs);
    const isReady = async (): Promise<boolean> => (await get<ClusterHealth>(id, '/health/cluster')).cluster_ready;
    await waitFor('a run that is over to be nobody’s to get ready for', waitMs, async () => !(await isReady()));
    const result = await tutti(['result', '--json', '--node', cluster.member(id).api]);
    const report = JSON.parse(result.stdout) as { run: { ended: string }; books: { balanced: boolean } };
    expect(report.run.ended).toBe('stopped');
    expect(report.books.balanced).toBe(true);
  });

  it('submit --wait follows a run to its end and ends with the code of the table', async () => {
    const file = join(cluster.directory, 'plan.yaml');
    writeFileSync(file, plan(recorder.baseUrl, 2));
    const out = join(cluster.directory, 'result.json');
    const ended = await tutti([
      'submit',
      file,
      '--wait',
      '--quiet',
      '--out',
      out,
      '--node',
      cluster.members.map(({ api }) => api).join(','),
    ]);
    expect(ended.stderr).toContain('result written to');
    // A busy machine may make its generators late; the code then says that, and the books hold all the same.
    const { verdict } = JSON.parse(readFileSync(out, 'utf8')) as { verdict: { kind: string } };
    expect([verdict.kind, ended.code]).toEqual(verdict.kind === 'valid' ? ['valid', 0] : ['generator-limited', 120]);
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({
      books: { planned: 60, fired: 60, answered: 60, balanced: true },
    });
  });

  it('a member that comes back with a wiped disk is not that member, and is named on both sides', async () => {
    const id = await follower();
    await cluster.processes.kill(id, 'SIGKILL');
    rmSync(join(cluster.directory, id), { recursive: true });
    cluster.startNode(id);
    const leader = await cluster.leader();
    const seen = await waitFor('the leader to name the wiped member', waitMs, async () => {
      const { problems } = await get<ClusterHealth>(leader, '/health/cluster');
      return problems.length > 0 && problems;
    });
    expect(seen.map(({ reason }) => reason).join('\n')).toMatch(new RegExp(`${id}.*(disk|incarnation)`));
    expect(await get<ClusterHealth>(leader, '/health/cluster')).toMatchObject({
      leader_id: leader,
      cluster_formed: false,
    });
    const status = await tutti(['status', '--node', cluster.member(leader).api]);
    expect(status.stdout).toContain('cluster  incomplete, leader');
    const own = await waitFor('the wiped member to be told', waitMs, async () => {
      const { problems } = await get<ClusterHealth>(id, '/health/cluster');
      return problems.length > 0 && problems;
    });
    expect(own.map(({ reason }) => reason).join('\n')).toMatch(/disk|incarnation/);
  });

  it('a node whose log is lost names a remedy that works: the others go on, and a new cluster has all nodes again', async () => {
    const id = await follower();
    const data = (node: string): string => join(cluster.directory, node);
    await cluster.processes.kill(id, 'SIGKILL');
    rmSync(join(data(id), 'wal'), { recursive: true });
    cluster.startNode(id);
    const refusal = await waitFor('the node to refuse its start', waitMs, () =>
      Promise.resolve(cluster.processes.firstDead() ?? false),
    );
    expect(refusal).toContain('the log is damaged');
    expect(refusal).toContain(withoutThisDisk);

    await cluster.processes.kill(id, 'SIGTERM');
    await cluster.submit(plan(recorder.baseUrl, 1), 'without the lost one');
    await cluster.runReaches('finished', waitMs);
    expect((await cluster.report()).books).toMatchObject({ planned: 30, balanced: true });

    await Promise.all(cluster.members.map(({ id: node }) => cluster.processes.kill(node, 'SIGTERM')));
    for (const { id: node } of cluster.members) rmSync(data(node), { recursive: true });
    for (const { id: node } of cluster.members) cluster.startNode(node);
    expect(await cluster.formed()).toMatchObject({ peers: 3, problems: [] });
  });
});
