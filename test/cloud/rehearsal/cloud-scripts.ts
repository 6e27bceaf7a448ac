import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { CloudStatus } from '../../../infra/src/cloud/status/status.ts';
import type { StackOutputs } from '../../../infra/src/outputs.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import { FakeGoogleCloud } from '../../support/cloud/fake-google-cloud.ts';
import type { World } from './world.ts';

const checkout = join(import.meta.dirname, '../../..');
const labels = { application: 'tutti', stack: 'dev' };

/** `scripts/cloud` in a world whose machines are namespaces: what it asks of Compute Engine happens to them. */
export class CloudScripts {
  readonly #world: World;
  readonly #google: FakeGoogleCloud;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(world: World, google: FakeGoogleCloud, environment: Readonly<Record<string, string>>) {
    this.#world = world;
    this.#google = google;
    this.#environment = environment;
  }

  /** Close it. */
  static async open(world: World, { nodes }: StackOutputs): Promise<CloudScripts> {
    const google = await FakeGoogleCloud.start();
    const bin = join(world.stand.directory, 'gcloud-bin');
    const machines = join(bin, 'machines.json');
    mkdirSync(bin, { recursive: true });
    const tellMachines = (): void => {
      const pids = nodes.map(({ instance }) => [instance, world.machines.get(instance).pid]);
      writeFileSync(machines, JSON.stringify(Object.fromEntries(pids)));
    };
    tellMachines();
    for (const { instance: name, zone } of nodes) google.machines.push({ name, zone, labels, status: 'RUNNING' });
    google.onMachine = async ({ name }, verb) => {
      const machine = world.machines.get(name);
      await (verb === 'stop' ? machine.stop() : machine.start());
      tellMachines();
    };
    const gcloud = join(bin, 'gcloud');
    writeFileSync(gcloud, `#!/bin/sh\nexec ${process.execPath} ${join(import.meta.dirname, 'gcloud.ts')} "$@"\n`);
    chmodSync(gcloud, 0o755);
    const { environment } = world.stand.workspace;
    return new CloudScripts(world, google, {
      ...environment,
      ...google.environment,
      GOOGLE_STORAGE_CUSTOM_ENDPOINT: `${world.store.endpoint}/storage/v1/`,
      REHEARSAL_MACHINES: machines,
      PATH: [bin, environment.PATH ?? ''].join(delimiter),
    });
  }

  close(): Promise<void> {
    return this.#google.stop();
  }

  /** What it printed. Rejects with what it said where it does not end with 0. */
  async run(...args: readonly string[]): Promise<string> {
    const folder = this.#world.stand.workspace.folder;
    const command = [join(checkout, 'scripts/cloud.ts'), ...args, '--cwd', folder, '--stack', 'dev'];
    const child = spawn(process.execPath, command, {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, `scripts/cloud ${args.join(' ')}:\n${said.stdout}${said.stderr}`);
    return said.stdout;
  }

  async status(): Promise<CloudStatus> {
    return JSON.parse(await this.run('status', '--json')) as CloudStatus;
  }
}

/** Everything that a person does between `up` and `destroy`: look, run the next plan, bring every machine a new start. */
export async function lookAfter(
  world: World,
  outputs: StackOutputs,
  { plan, say }: { readonly plan: string; readonly say: (line: string) => void },
): Promise<void> {
  const scripts = await CloudScripts.open(world, outputs);
  try {
    const before = await scripts.status();
    const leader = leaderIn(before);
    assert.deepEqual(new Set(before.nodes.map(({ machine }) => machine)), new Set(['RUNNING']));
    say(`scripts/cloud status: through a tunnel ${leader} leads ${before.nodes.length} nodes`);
    const report = JSON.parse(await scripts.run('upload', plan, '--wait', '--json')) as RunReport;
    assert.equal(report.verdict.kind, 'valid', report.verdict.reasons.join('; '));
    say(`scripts/cloud upload --wait: ${report.run.submission ?? ''} is ${report.verdict.kind}`);
    const pids = outputs.nodes.map(({ instance }) => world.machines.get(instance).pid);
    await scripts.run('roll', '--no-up', '--yes');
    const next = leaderIn(await scripts.status());
    for (const [at, { instance }] of outputs.nodes.entries())
      assert.notEqual(world.machines.get(instance).pid, pids[at], `${instance} was started anew`);
    say(`scripts/cloud roll: every machine was started anew, and ${next} leads`);
  } finally {
    await scripts.close();
  }
}

function leaderIn({ cluster, unknown }: CloudStatus): string {
  assert.ok(cluster !== null, unknown ?? '');
  assert.ok(cluster.formed && cluster.leader !== null, JSON.stringify(cluster));
  return cluster.leader;
}
