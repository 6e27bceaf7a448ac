import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortRange } from '../ports.ts';
import { findDockerCompose } from './compose-program.ts';
import { ComposeProject } from './compose-project.ts';
import { type Engine, openEngine } from './engine.ts';
import { ownLayersBytes } from './image-size.ts';
import { NodesInContainers } from './nodes-in-containers.ts';
import { type Profile, type ProfileName, profiles } from './profiles.ts';
import { type BaseImages, standInImages } from './stand-ins.ts';

/** What a rehearsal measured; that it resolves means that everything else was as it should be. */
export interface Rehearsed {
  /** From the moment the last container ran until every node said that the cluster is formed. */
  readonly formedAfterMs: number;
  /** What our image adds to its base. */
  readonly imageBytes: number;
  /** From `docker stop` of a leader in mid-run to its end. */
  readonly stoppedAfterMs: number;
}

type Say = (line: string) => void;

/** Far beyond what is measured: a busy machine is no reason to fail where nothing is judged by time. */
const formingTimeoutMs = 90_000;
const runTimeoutMs = 120_000;
/** Of load, before the leader is killed: longer than the horizon. */
const loadBeforeKillMs = 4_000;
const image = 'tutti-rehearsal';
const portsNeeded = 10;

/**
 * docker-compose.yml from `up` to `down` on a real engine, with one profile and the target: in mid-run the leader's container is killed
 * and comes back, and the next leader's is stopped. All is taken down again, also when `signal` interrupts it. @throws Unavailable
 */
export async function rehearse(name: ProfileName, say: Say, signal: AbortSignal): Promise<Rehearsed> {
  const command = await findDockerCompose();
  const engine = await openEngine();
  const directory = mkdtempSync(join(tmpdir(), 'tutti-rehearsal-'));
  try {
    say(`engine: Docker ${await serverVersion(engine)}${engine.isOurs ? ', started for this rehearsal alone' : ''}`);
    const images = engine.isOurs ? await standInImages(engine) : null;
    if (images !== null) say(`base images: ${Object.values(images).join(', ')}; made here, since none can be pulled`);
    signal.throwIfAborted();
    const project = await openProject(engine, command, { profile: name, images, directory, signal });
    return await upAndDown(engine, project, profiles[name], say, signal);
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function upAndDown(
  engine: Engine,
  project: ComposeProject,
  profile: Profile,
  say: Say,
  signal: AbortSignal,
): Promise<Rehearsed> {
  try {
    await project.run('build', 'target');
    const imageBytes = await ownLayersBytes(engine, image);
    say(`image: built; ${(imageBytes / 1e6).toFixed(1)} MB on top of its base`);
    const nodes = new NodesInContainers(engine, project, profile.services, signal);
    const formedAfterMs = await bringUp(project, nodes, profile, say);
    const stoppedAfterMs = await runWithFaults(project, nodes, profile, say);
    if (profile.scalable !== null) await scale(project, nodes, profile.scalable, say);
    return { formedAfterMs, imageBytes, stoppedAfterMs };
  } catch (error) {
    if (!signal.aborted) say((await project.run('logs', '--no-color', '--tail=40')).trimEnd());
    throw error;
  } finally {
    await project.down();
    assert.deepEqual(await project.containers(), [], 'docker compose down left containers');
    say('down: no container is left');
  }
}

async function bringUp(project: ComposeProject, nodes: NodesInContainers, profile: Profile, say: Say): Promise<number> {
  // `up` resolves only when the containers' health was checked, which takes longer than what is measured.
  const [leader, formedAtMs] = await Promise.all([
    nodes.formed(3, formingTimeoutMs).then((id) => [id, Date.now()] as const),
    project.run('up', '--detach', '--no-build'),
  ]).then(([formed]) => formed);
  const formedAfterMs = formedAtMs - Math.max(...(await nodes.containers()).map(({ startedAtMs }) => startedAtMs));
  say(
    `up: the cluster is formed ${formedAfterMs} ms after the last container ran; ${leader} leads. What is on the screen:`,
  );
  const where = await project.run('logs', '--no-color', '--no-log-prefix', profile.whereService);
  assert.match(where, /^ +Result:/m, `what ${profile.whereService} says is not on the screen`);
  say(where.replace(/^/gm, '  ').trimEnd());
  await nodes.areLockedUp();
  say('rights: not root, root file system read-only, signals through an init');
  return formedAfterMs;
}

async function runWithFaults(
  project: ComposeProject,
  nodes: NodesInContainers,
  profile: Profile,
  say: Say,
): Promise<number> {
  await profile.putPlan(project);
  await nodes.running(loadBeforeKillMs, runTimeoutMs);
  const killed = await nodes.killLeader();
  say(`run: on. SIGKILL to the container of ${killed.id}, the leader`);
  const next = await nodes.ledByAnother(killed.id, formingTimeoutMs);
  await nodes.start(killed.container);
  await nodes.formed(3, formingTimeoutMs);
  say(`run: ${next} leads, and ${killed.id} is a member again, by the same name`);
  const stopped = await nodes.stopLeader();
  const third = await nodes.ledByAnother(stopped.id, formingTimeoutMs);
  await nodes.start(stopped.container);
  await nodes.formed(3, formingTimeoutMs);
  say(`run: docker stop of ${stopped.id}, the leader then: exit code 0 after ${stopped.tookMs} ms; ${third} took over`);
  const report = await nodes.finished(runTimeoutMs);
  const { planned, answered, failed, notFired, lost, balanced } = report.books;
  say(
    `result: ${report.run.ended ?? ''}; of ${planned ?? 0} iterations ${answered} answered, ${failed} failed, ${notFired} not fired, ${lost} lost`,
  );
  assert.ok(balanced, `the books do not balance: ${JSON.stringify(report.books)}`);
  assert.equal(report.run.ended, 'completed');
  assert.deepEqual(
    report.nodes.filter((node) => node.lost !== null).map(({ node }) => node),
    [killed.id],
    'only what the killed node had may be lost',
  );
  return stopped.tookMs;
}

async function scale(project: ComposeProject, nodes: NodesInContainers, service: string, say: Say): Promise<void> {
  const to = async (count: number): Promise<void> => {
    await project.run('up', '--detach', '--no-build', '--scale', `${service}=${count}`);
    await nodes.formed(count, formingTimeoutMs);
    say(`scale: ${count} nodes, all of them members, nobody else`);
  };
  await to(4);
  await to(3);
}

async function serverVersion({ docker }: Engine): Promise<string> {
  return (await docker('version', '--format', '{{.Server.Version}}')).trim();
}

async function openProject(
  engine: Engine,
  command: readonly string[],
  options: {
    readonly profile: ProfileName;
    readonly images: BaseImages | null;
    readonly directory: string;
    readonly signal: AbortSignal;
  },
): Promise<ComposeProject> {
  const { profile, images, directory, signal } = options;
  const first = await freePortRange(portsNeeded);
  // Our own engine has no way out for its containers; what is built there uses this machine's.
  const override = join(directory, 'override.json');
  writeFileSync(override, JSON.stringify({ services: { target: { build: { network: 'host' } } } }));
  const files = ['docker-compose.yml', ...(engine.isOurs ? [override] : [])].flatMap((file) => ['--file', file]);
  return new ComposeProject(engine, {
    command: [...command, ...files, '--profile', profile, '--profile', 'target'],
    name: `tutti-rehearsal-${process.pid}`,
    signal,
    environment: {
      TUTTI_IMAGE: image,
      CONSUL_PORT: String(first),
      TARGET_PORT: String(first + 1),
      NODE_A_PORT: String(first + 2),
      NODE_B_PORT: String(first + 3),
      NODE_C_PORT: String(first + 4),
      TUTTI_PORTS: `${first + 5}-${first + portsNeeded - 1}`,
      ...images,
    },
  });
}
