import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { CloudStatus } from '../../../infra/src/cloud/status/status.ts';
import type { StackOutputs } from '../../../infra/src/outputs.ts';
import { exitCodes } from '../../../node/src/lib/exit-codes.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { FakeGoogleCloud } from '../../support/cloud/fake-google-cloud.ts';
import type { World } from './world.ts';

const checkout = join(import.meta.dirname, '../../..');
/** Far beyond what it takes: nothing is judged by time. */
const formingTimeoutMs = 180_000;
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

  /** What it printed. Rejects with what it said where it ends with none of these codes. */
  async run(args: readonly string[], codes: readonly number[] = [exitCodes.ok]): Promise<string> {
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
    assert.ok(codes.includes(code ?? -1), `scripts/cloud ${args.join(' ')} (${code}):\n${said.stdout}${said.stderr}`);
    return said.stdout;
  }

  /** Who leads a whole cluster, as the first node that is asked has it; it may hear of the last one that came back a moment later. */
  leader(): Promise<string> {
    return waitFor('scripts/cloud status to show a whole cluster', formingTimeoutMs, async () => {
      const text = await this.run(['status', '--json'], [exitCodes.ok, exitCodes.noCluster]);
      const { cluster, nodes, unknown } = JSON.parse(text) as CloudStatus;
      assert.ok(cluster !== null, unknown ?? '');
      assert.deepEqual(new Set(nodes.map(({ machine }) => machine)), new Set(['RUNNING']));
      assert.ok(cluster.formed && cluster.leader !== null, JSON.stringify(cluster));
      return cluster.leader;
    });
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
    say(`scripts/cloud status: through a tunnel, ${await scripts.leader()} leads ${outputs.nodes.length} nodes`);
    // That a busy machine is late with its load is no fault of what is rehearsed, and the report says it.
    const late = [exitCodes.ok, exitCodes.generatorLimited, exitCodes.nodesLost];
    const { run, verdict, books } = JSON.parse(
      await scripts.run(['upload', plan, '--wait', '--json'], late),
    ) as RunReport;
    assert.ok(run.ended === 'completed' && books.balanced, JSON.stringify({ run, books }));
    say(`scripts/cloud upload --wait: ${run.submission ?? ''} is ${verdict.kind}`);
    const pids = outputs.nodes.map(({ instance }) => world.machines.get(instance).pid);
    await scripts.run(['roll', '--no-up', '--yes']);
    for (const [at, { instance }] of outputs.nodes.entries())
      assert.notEqual(world.machines.get(instance).pid, pids[at], `${instance} was started anew`);
    say(`scripts/cloud roll: every machine was started anew, and ${await scripts.leader()} leads`);
  } finally {
    await scripts.close();
  }
}
