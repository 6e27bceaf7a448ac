import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunReport } from '../../../node/src/results/report.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { Stack, type Step } from '../engine/stack.ts';
import { outputsSchema } from '../../../infra/src/outputs.ts';
import { lookAfter } from './cloud-scripts.ts';
import { Nodes } from './nodes.ts';
import { PROJECT, type Programs, targetUrl, World } from './world.ts';

type Say = (line: string) => void;

/** Far beyond what is measured: a busy machine is no reason to fail where nothing is judged by time. */
const formingTimeoutMs = 180_000;
const runTimeoutMs = 180_000;
/** Of load, before the leader's machine fails: longer than the horizon. */
const loadBeforeFailureMs = 5_000;
/** Long enough that a busy machine does not come too late to see it on. */
const firstSecs = 40;
const runAttempts = 3;
const regions = ['us-central1', 'europe-west1', 'asia-northeast1'];

/** Ten seconds on, the horizon and an election included, half of it is still to come. */
const plan = (name: string, durationSecs: number): string => `version: '1.0'
metadata: { name: ${name} }
config:
  baseUrl: ${targetUrl}
  duration: ${durationSecs}s
load: { model: rps, target: 30 }
scenarios:
  - name: visit
    steps:
      - request: { method: GET, path: /visit }
`;

/** From `pulumi up` to `pulumi destroy`, in a world of its own. That it resolves means that all was as it should be. */
export async function rehearse(programs: Programs, say: Say, signal: AbortSignal): Promise<void> {
  const world = await World.open(programs);
  try {
    const stack = await prepare(world);
    const nodes = new Nodes(world.machines, signal);
    await firstTest(world, stack, nodes, say, signal);
    await secondTest(world, stack, nodes, say, signal);
    await anotherRegion(world, stack, nodes, say);
    await byScripts(world, stack, say);
    await away(world, stack, say);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${world.machines.lastWords()}`, { cause: error });
  } finally {
    await world.close();
  }
}

async function prepare(world: World): Promise<Stack> {
  const stack = await Stack.init(world.stand.workspace, 'dev');
  writeFileSync(join(world.stand.directory, 'plan.yaml'), plan('first', firstSecs));
  const config = {
    'gcp:project': PROJECT,
    'tutti:plan': '../plan.yaml',
    ...Object.fromEntries(regions.map((region, at) => [`tutti:regions[${at}]`, region])),
  };
  for (const [key, value] of Object.entries(config)) await stack.configure(key, value);
  return stack;
}

async function firstTest(world: World, stack: Stack, nodes: Nodes, say: Say, signal: AbortSignal): Promise<void> {
  const made = google(await stack.up());
  say(`pulumi up: made ${made.length} resources, and with them ${world.machines.names.length} machines`);
  const { machine, health } = await nodes.formed(regions.length, formingTimeoutMs);
  say(`cluster: formed; ${health.node_id} leads, on ${machine}`);
  const name = await untilRunning(world, stack, nodes, say);
  say(`run: on, with the plan from the bucket. The power of ${machine} fails`);
  await world.machines.get(machine).cut();
  const next = await nodes.ledByAnother(health.node_id, formingTimeoutMs);
  await world.machines.get(machine).start();
  await nodes.formed(regions.length, formingTimeoutMs);
  say(`run: ${next} leads, and ${health.node_id} is a member again, by the log on its disk`);
  const report = await resultOf(world, stack, name, signal);
  await isClosed(world, say);
  tell(report, say);
  assert.deepEqual(
    report.nodes.filter((node) => node.lost !== null).map(({ node }) => node),
    [health.node_id],
    'only what the failed machine had may be lost',
  );
  const seen = await world.seenByTarget();
  assert.deepEqual(
    Object.keys(seen).filter((address) => !address.startsWith('203.0.113.')),
    [],
    'load comes from external addresses',
  );
  say(`target: saw requests from ${Object.keys(seen).length} external addresses, one of each machine`);
}

/** With the name of the plan that runs. A machine that is too busy to get generators ready in time is given the plan again, as a user would. */
async function untilRunning(world: World, stack: Stack, nodes: Nodes, say: Say): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const name = attempt === 1 ? 'first' : `first-${attempt}`;
    if (attempt > 1) await upload(world, stack, plan(name, firstSecs));
    const over = await nodes.running(name, loadBeforeFailureMs, runTimeoutMs);
    if (over === null) return name;
    if (attempt === runAttempts) throw new Error(`the run of ${name} is over too soon, ${over}`);
    say(`run: of ${name} ${over}; is this machine busy? The plan is uploaded again`);
  }
}

/** As a user does it, by hand. */
async function upload(world: World, stack: Stack, text: string): Promise<void> {
  const { plan: where } = (await stack.outputs()) as { readonly plan: string };
  const [, bucket, object] = /^gs:\/\/([^/]+)\/(.+)$/.exec(where)!;
  await world.store.upload(bucket!, object!, text);
}

/** From node to node one port is open, and that of the HTTP API is not, nor SSH. */
async function isClosed({ machines }: World, say: Say): Promise<void> {
  const [one, other] = machines.names;
  const dropped = [22, 8080];
  const open = await Promise.all(dropped.map((port) => machines.connects(one!, other!, port, 2)));
  assert.deepEqual(open, [false, false], `of the ports ${dropped.join(', ')}, which are to be closed`);
  assert.ok(await machines.connects(one!, other!, 7000, 30), 'port 7000 is to be open between the nodes');
  say('firewall: between the machines port 7000 is open; those of SSH and of the HTTP API are not');
}

async function secondTest(world: World, stack: Stack, nodes: Nodes, say: Say, signal: AbortSignal): Promise<void> {
  const { plan: where } = (await stack.outputs()) as { readonly plan: string };
  const [, bucket, object] = /^gs:\/\/([^/]+)\/(.+)$/.exec(where)!;
  await upload(world, stack, plan('second', 5));
  say('upload: a second plan, by hand');
  tell(await resultOf(world, stack, 'second', signal), say);
  assert.deepEqual(await stack.up(), [], 'what a user has uploaded stays');
  assert.match(await world.store.read(bucket!, object!), /name: second/);
  say('pulumi up: nothing to do, and the second plan is still there');
  await nodes.formed(regions.length, formingTimeoutMs);
}

/** One more, and away again, while the cluster runs. */
async function anotherRegion(world: World, stack: Stack, nodes: Nodes, say: Say): Promise<void> {
  const before = world.machines.names;
  const starts = world.machines.startsOf(before);
  await stack.configure(`tutti:regions[${regions.length}]`, 'us-west1');
  const added = google(await stack.up());
  assert.deepEqual(
    added.filter(({ op }) => op !== 'create' && op !== 'update'),
    [],
    'a region more replaces nothing',
  );
  await nodes.formed(regions.length + 1, formingTimeoutMs);
  say(`pulumi up: us-west1 as well; its node was admitted, and votes`);
  await stack.forget(`tutti:regions[${regions.length}]`);
  await stack.up();
  await nodes.formed(regions.length, formingTimeoutMs);
  assert.deepEqual(world.machines.startsOf(before), starts, 'no node of another region is started anew');
  say('pulumi up: without us-west1; its node was removed, and no other was started anew');
}

/** What a person does with a cluster that is up. */
async function byScripts(world: World, stack: Stack, say: Say): Promise<void> {
  const file = join(world.stand.directory, 'third.yaml');
  writeFileSync(file, plan('third', 5));
  await lookAfter(world, outputsSchema.parse(await stack.outputs()), { plan: file, say });
}

async function away(world: World, stack: Stack, say: Say): Promise<void> {
  const { results } = (await stack.outputs()) as { readonly results: string };
  await stack.destroy();
  const left = world.stand.cloud.resources
    .filter(({ type }) => type !== 'gcp:projects/service:Service')
    .map(({ id }) => id);
  assert.deepEqual(left, [results.replace('gs://', '')], 'only the results stay');
  assert.deepEqual(world.machines.names, []);
  const kept = await world.store.list(left[0]!);
  say(`pulumi destroy: nothing is left but the bucket of the results, with ${kept.length}: ${kept.join(', ')}`);
}

/** Of the run of the plan of that name, in the results bucket. */
async function resultOf(world: World, stack: Stack, name: string, signal: AbortSignal): Promise<RunReport> {
  const { results } = (await stack.outputs()) as { readonly results: string };
  const bucket = results.replace('gs://', '');
  return waitFor(
    `the result of ${name} in ${results}`,
    runTimeoutMs,
    async () => {
      const objects = await world.store.list(bucket);
      const texts = await Promise.all(objects.map((object) => world.store.read(bucket, object)));
      return texts.map((text) => JSON.parse(text) as RunReport).find(({ run }) => run.planName === name) ?? false;
    },
    () => (signal.aborted ? 'was interrupted' : null),
  );
}

function tell({ run, books }: RunReport, say: Say): void {
  say(
    `result: ${run.ended ?? ''}; of ${books.planned ?? 0} iterations ${books.answered} answered, ${books.failed} failed, ${books.notFired} not fired, ${books.lost} lost`,
  );
  assert.ok(books.balanced, `the books do not balance: ${JSON.stringify(books)}`);
  assert.equal(run.ended, 'completed');
}

const google = (steps: readonly Step[]): readonly Step[] => steps.filter(({ type }) => type.startsWith('gcp:'));
