import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { firedOnce } from './support/fired-once.ts';
import { startRecorder } from './support/helpers.ts';
import { TestCluster } from './support/cluster.ts';
import { tutti } from './support/tutti.ts';

const waitMs = 20_000;

const plan = (baseUrl: string, seconds: number): string => `
version: "1.0"
metadata: { name: plan-file, tenant: shop }
config: { baseUrl: "${baseUrl}", duration: ${seconds}s }
load: { model: rps, target: 30 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

describe('CLUSTER_CONFIG_SOURCE=file', () => {
  it('the plan of the file is run once; neither a restart nor a new leader repeats the run', async () => {
    const recorder = await startRecorder();
    const cluster = await TestCluster.prepare(3);
    try {
      const file = join(cluster.directory, 'plan.yaml');
      writeFileSync(file, plan(recorder.baseUrl, 2));
      const startAll = (): void =>
        cluster.members.forEach(({ id }) => cluster.startNode(id, { 'config-source': 'file', 'config-file': file }));
      startAll();
      const first = await cluster.runReaches('finished', waitMs);
      expect(await firedOnce(cluster, recorder, 60)).toBe(0);
      for (const { id } of cluster.members) await cluster.processes.kill(id, 'SIGKILL');
      startAll();
      await waitFor('the leader to find that the file is this run already', waitMs, () =>
        Promise.resolve(cluster.processes.lastWords().includes('the plan file is this run already')),
      );
      expect((await cluster.runReaches('finished', waitMs)).runId).toBe(first.runId);
      expect(await firedOnce(cluster, recorder, 60)).toBe(0);
    } finally {
      await cluster.stop();
      await recorder.stop();
    }
  });

  it('that was refused because a run was on is named, and no restart begins it once that run is over', async () => {
    const recorder = await startRecorder();
    const cluster = await TestCluster.prepare(1);
    const start = (flags: Record<string, string> = {}): void => cluster.startNode('a', flags);
    try {
      const file = join(cluster.directory, 'plan.yaml');
      writeFileSync(file, plan(recorder.baseUrl, 1));
      const fromFile = { 'config-source': 'file', 'config-file': file };
      start();
      await cluster.formed();
      const { run_id: other } = await cluster.submit(plan(recorder.baseUrl, 60), 'somebody-else');
      await cluster.runReaches('running', waitMs);
      await cluster.processes.kill('a', 'SIGKILL');
      const problem = (): Promise<string> =>
        waitFor('the plan file to be a problem', waitMs, async () => {
          const { problems } = await cluster.client.get<ClusterHealth>('/health/cluster');
          return problems.find(({ address }) => address === file)?.reason ?? false;
        });
      start(fromFile);
      expect(await problem()).toMatch(new RegExp(`was not run.*${other}`));
      await cluster.runReaches('aborted', waitMs);
      await cluster.processes.kill('a', 'SIGKILL');
      start(fromFile);
      expect(await problem()).toMatch(new RegExp(`was not run.*${other}`));
      expect((await cluster.runReaches('aborted', waitMs)).runId).toBe(other);
    } finally {
      await cluster.stop();
      await recorder.stop();
    }
  });

  it('that is missing or wrong keeps the node from starting, like any other setting', async () => {
    const file = join(tmpdir(), `tutti-no-plan-${process.pid}.yaml`);
    const node = ['node', '--nodes', 'a=127.0.0.1:1', '--node-id', 'a', '--bind-addr', '127.0.0.1:1'];
    const source = ['--config-source', 'file', '--config-file', file, '--data-dir', `${file}.data`];
    const missing = await tutti([...node, ...source]);
    expect([missing.code, missing.stderr]).toEqual([104, expect.stringContaining(`cannot read ${file} (ENOENT)`)]);
    writeFileSync(file, 'version: "1.0"\nload: 7\n');
    try {
      const wrong = await tutti([...node, ...source]);
      expect([wrong.code, wrong.stderr]).toEqual([104, expect.stringContaining(`${file}:2:7`)]);
    } finally {
      rmSync(file);
    }
  });
});
