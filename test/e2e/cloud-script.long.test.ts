import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeGoogleCloud } from '../support/cloud/fake-google-cloud.ts';
import { FakeNodes } from '../support/cloud/fake-nodes.ts';
import { pathWith, putGcloud, putPulumi } from '../support/cloud/fake-programs.ts';
import { stackOutputs } from '../support/cloud/outputs.ts';

const script = fileURLToPath(new URL('../../scripts/cloud.ts', import.meta.url));
const minimal = fileURLToPath(new URL('../../examples/minimal.yaml', import.meta.url));
const labels = { application: 'tutti', stack: 'dev' };

let folder: string;
let google: FakeGoogleCloud;
let nodes: FakeNodes;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-cloud-'));
  google = await FakeGoogleCloud.start();
  nodes = await FakeNodes.start(Object.fromEntries(stackOutputs.nodes.map(({ id, instance }) => [instance, id])));
  for (const { instance, zone } of stackOutputs.nodes)
    google.machines.push({ name: instance, zone, labels, status: 'RUNNING' });
  const config = {
    'gcp:project': 'my-project',
    'tutti:regions': '["us-east1","europe-west1","asia-east1"]',
    'tutti:plan': 'plan.yaml',
  };
  const values = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, { value, secret: false }]));
  putPulumi(folder, { outputs: stackOutputs, config: values, asked: join(folder, 'asked') });
  putGcloud(folder, Object.fromEntries(stackOutputs.nodes.map(({ instance }) => [instance, nodes.urlOf(instance)])));
});
afterAll(async () => {
  nodes.stop();
  await google.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function cloud(...args: readonly string[]): Promise<Ended> {
  const environment = {
    HOME: folder,
    CLOUDSDK_CONFIG: folder,
    METADATA_SERVER_DETECTION: 'none',
    GOOGLE_APPLICATION_CREDENTIALS: '',
  };
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...google.environment, ...environment, PATH: pathWith(folder) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

describe('scripts/cloud, as a person calls it', () => {
  it('shows its commands with examples, and what it ends with', async () => {
    const { code, stdout } = await cloud('--help');
    expect(code).toBe(0);
    for (const name of ['doctor', 'up', 'status', 'upload', 'result', 'logs', 'tunnel', 'roll', 'destroy'])
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    expect(stdout).toContain('scripts/cloud upload examples/checkout.yaml --wait');
    expect(stdout).toContain('122  there is no cluster');
  });

  it('joins Compute Engine, the cluster through a tunnel, and the buckets', async () => {
    google.put('my-plans', 'plan.yaml', 'x');
    const { code, stdout, stderr } = await cloud('status', '--stack', 'dev', '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      cluster: { formed: true, leader: 'europe-west1-1', asked: 'asia-east1-1' },
      nodes: [{ machine: 'RUNNING' }, { inCluster: 'leader' }, { machine: 'RUNNING' }],
      plan: { submission: expect.stringMatching(/^gs:\/\/my-plans\/plan.yaml#\d+$/) as unknown },
    });
    expect(code).toBe(0);
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toContain('stack output --json');
  });

  it('uploads a plan, and refuses one that is none, with its problems and 104', async () => {
    const good = await cloud('upload', minimal, '--stack', 'dev');
    expect(good.code).toBe(0);
    expect(google.objects.get('my-plans/plan.yaml')?.text).toBe(readFileSync(minimal, 'utf8'));
    expect(good.stdout).toContain(`gs://my-plans/plan.yaml#${google.objects.get('my-plans/plan.yaml')!.generation}`);
    const bad = await cloud('upload', script, '--stack', 'dev');
    expect([bad.code, bad.stdout]).toEqual([104, '']);
    expect(bad.stderr).toContain('no load was sent');
  });

  it('ends with 104 and the reason for what it cannot understand', async () => {
    const unknown = await cloud('statu');
    expect([unknown.code, unknown.stderr]).toEqual([104, expect.stringContaining('Did you mean status?')]);
    const other = await cloud('status', '--stack', 'other');
    expect(other.stderr).toContain("no stack named 'other' found");
    expect(other.stderr).toContain('pulumi stack init other');
    expect(other.code).toBe(104);
  });

  it('refuses a plan file that is none before anything is made, with 104, and doctor finds it as well', async () => {
    const refused = await cloud('up', '--yes', '--no-wait', '--stack', 'dev', '--cwd', folder);
    expect([refused.code, refused.stdout]).toEqual([104, '']);
    expect(refused.stderr).toContain(`${join(folder, 'plan.yaml')}: cannot be read: there is no such file`);
    const { stdout } = await cloud('doctor', '--stack', 'dev', '--cwd', folder);
    expect(stdout).toMatch(/MISSING {2}plan: .*there is no such file\n {11}pulumi config set tutti:plan/);
    copyFileSync(minimal, join(folder, 'plan.yaml'));
    expect((await cloud('doctor', '--stack', 'dev', '--cwd', folder)).stdout).toContain('ok       plan: plan.yaml');
  });

  it('finds that nobody is logged in, and says how', async () => {
    const { code, stdout } = await cloud('doctor', '--stack', 'dev');
    expect(stdout).toMatch(/MISSING {2}login: .*\n {11}gcloud auth application-default login/);
    expect(code).toBe(1);
  });
});
