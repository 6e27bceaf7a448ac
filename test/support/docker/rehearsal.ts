import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { freePortRange } from '../ports.ts';
import { findDockerCompose } from './compose-program.ts';
import { ComposeProject, type Container } from './compose-project.ts';
import { type Engine, openEngine } from './engine.ts';
import { ownLayersBytes } from './image-size.ts';
import { NodesInContainers } from './nodes-in-containers.ts';
import { type Profile, type ProfileName, profiles } from './profiles.ts';
import { type BaseImages, standInImages } from './stand-ins.ts';

/** What a rehearsal measured; that it resolves means that everything else was as it should be. */
export interface Rehearsed {
  /** From the moment the last container ran until every node said that the cluster is formed; below `formedWithinMs`. */
  readonly formedAfterMs: number;
  /** What our image adds to its base. */
  readonly imageBytes: number;
  /** From `docker stop` of a leader in mid-run to its end. */
  readonly stoppedAfterMs: number;
}

type Say = (line: string) => void;

/** From the moment the containers run: what docker-compose.yml promises. */
const formedWithinMs = 5_000;
/** Nodes start on all cores at once, so whoever else uses them is measured, too. The promise is kept if one attempt keeps it. */
const formingAttempts = 3;
/** Far beyond what is measured: a busy machine is no reason to fail where nothing is judged by time. */
const formingTimeoutMs = 90_000;
const runTimeoutMs = 120_000;
/** Of load, before the leader is killed: longer than the horizon. */
const loadBeforeKillMs = 4_000;
/** Several scrapes, which are five seconds apart. */
const scrapeTimeoutMs = 30_000;
const image = 'tutti-rehearsal';
const portsNeeded = 10;

/**
 * docker-compose.yml from `up` to `down` on a real engine, with one profile and the target: in mid-run the leader's container is killed
 * and comes back, and the next leader's is stopped. All is taken down again, also when `signal` interrupts it. @throws Unavailable
 */
export async function rehearse(name: ProfileName, say: Say, signal: AbortSignal): Promise<Rehearsed> {
  const engine = await openEngine();
  const directory = mkdtempSync(join(tmpdir(), 'tutti-rehearsal-'));
  try {
    say(`engine: Docker ${await serverVersion(engine)}${engine.isOurs ? ', started for this rehearsal alone' : ''}`);
    const command = await findDockerCompose();
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
    await watch(project);
    const stoppedAfterMs = await runWithFaults(project, nodes, profile, say);
    await seenByPrometheus(project, say);
    if (profile.scalable !== null) await scale(project, nodes, profile.scalable, say);
    assert.ok(
      formedAfterMs < formedWithinMs,
      `the cluster was formed after ${formedAfterMs} ms, not within ${formedWithinMs}`,
    );
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
  let { leader, formedAfterMs } = await up(project, nodes);
  for (let attempt = 1; formedAfterMs > formedWithinMs && attempt < formingAttempts; attempt += 1) {
    say(`up: formed only after ${formedAfterMs} ms; is this machine busy? Again, from nothing`);
    await project.down();
    ({ leader, formedAfterMs } = await up(project, nodes));
  }
  say(`up: the cluster is formed ${formedAfterMs} ms after the last container ran; ${leader} leads. On the screen:`);
  const where = await project.run('logs', '--no-color', '--no-log-prefix', profile.whereService);
  assert.match(where, /^ +Result:/m, `what ${profile.whereService} says is not on the screen`);
  say(where.replace(/^/gm, '  ').trimEnd());
  await nodes.areLockedUp();
  say('rights: not root, root file system read-only, signals through an init');
  return formedAfterMs;
}

/** `docker compose up` itself ends only when the containers' health was checked, which takes longer than what is measured. */
async function up(
  project: ComposeProject,
  nodes: NodesInContainers,
): Promise<{ readonly leader: string; readonly formedAfterMs: number }> {
  const [{ leader, formedAtMs }] = await Promise.all([
    nodes.formed(3, formingTimeoutMs).then((id) => ({ leader: id, formedAtMs: Date.now() })),
    project.run('up', '--detach', '--no-build'),
  ]);
  const startedAtMs = Math.max(...(await nodes.containers()).map((container) => container.startedAtMs));
  return { leader, formedAfterMs: formedAtMs - startedAtMs };
}

/** Grafana is left out: what stands in for it could show nothing. */
function watch(project: ComposeProject): Promise<unknown> {
  return project.run('--profile', 'observability', 'up', '--detach', '--no-build', '--no-deps', 'prometheus');
}

/** By the rules that come with docker-compose.yml, over the names and addresses that its network has. */
async function seenByPrometheus(project: ComposeProject, say: Say): Promise<void> {
  const [prometheus] = await project.containers(['prometheus']);
  const query = async (text: string): Promise<readonly { readonly value: readonly [number, string] }[]> => {
    const url = `http://127.0.0.1:${prometheus!.ports.get('9090/tcp')!}/api/v1/query?query=${encodeURIComponent(text)}`;
    const answer = (await (await fetch(url)).json()) as { readonly data: { readonly result: [] } };
    return answer.data.result;
  };
  await waitFor('Prometheus to see three nodes', scrapeTimeoutMs, async () => {
    const [up] = await query('sum(up{job="tutti"} == 1)');
    const [members] = await query('max(tutti_cluster_members)');
    return up?.value[1] === '3' && members?.value[1] === '3';
  });
  const rates = await query('tutti:requests:rate1m');
  assert.equal(rates.length, 2, `of two steps Prometheus has ${JSON.stringify(rates)}`);
  say('prometheus: reaches three nodes by their addresses, and has the rate of each step once');
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
  await comeBack(project, nodes, profile, killed.container);
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

/** With another container, of another host name, where docker compose can make one alone: the volume is what makes the node. */
function comeBack(
  project: ComposeProject,
  nodes: NodesInContainers,
  profile: Profile,
  killed: Container,
): Promise<unknown> {
  if (profile.scalable !== null) return nodes.start(killed);
  return project.run('up', '--detach', '--no-build', '--no-deps', '--force-recreate', killed.service);
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
      // One profile at a time has one of them.
      CONSUL_PORT: String(first),
      GCS_PORT: String(first),
      TARGET_PORT: String(first + 1),
      PROMETHEUS_PORT: String(first + 2),
      NODE_A_PORT: String(first + 3),
      NODE_B_PORT: String(first + 4),
      NODE_C_PORT: String(first + 5),
      TUTTI_PORTS: `${first + 3}-${first + portsNeeded - 1}`,
      ...images,
    },
  });
}
