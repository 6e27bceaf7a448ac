import { strict as assert } from 'node:assert';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import type { ClusterHealth } from '../../../node/src/api/health.ts';
import type { RunProgress } from '../../../node/src/coordinator/service.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import type { ComposeProject, Container } from './compose-project.ts';
import type { Engine } from './engine.ts';

const askTimeoutMs = 3_000;

interface Node {
  readonly container: Container;
  readonly health: ClusterHealth;
}

/** The nodes of a project, as this machine reaches them: by the published ports, which may change with every start. */
export class NodesInContainers {
  readonly #engine: Engine;
  readonly #project: ComposeProject;
  readonly #services: readonly string[];
  readonly #signal: AbortSignal;

  /** `signal` ends each wait. */
  constructor(engine: Engine, project: ComposeProject, services: readonly string[], signal: AbortSignal) {
    this.#engine = engine;
    this.#project = project;
    this.#services = services;
    this.#signal = signal;
  }

  containers(): Promise<readonly Container[]> {
    return this.#project.containers(this.#services);
  }

  /** Resolves with the leader's id once exactly so many containers run, and all of them agree that they are the cluster. */
  formed(count: number, timeoutMs: number): Promise<string> {
    let running: readonly Container[] = [];
    return this.#waitFor(`${count} nodes to form a cluster`, timeoutMs, async () => {
      // To look for containers costs a part of the cores on which the nodes start: only until they are all there.
      if (running.length !== count) running = (await this.containers()).filter(({ isRunning }) => isRunning);
      const nodes = await healthOf(running);
      if (nodes.length < running.length) running = [];
      const leaders = new Set(nodes.map(({ health }) => health.leader_id));
      const agree = nodes.every(({ health }) => health.cluster_formed && health.peers === count);
      if (nodes.length === count && agree && leaders.size === 1) return [...leaders][0]!;
      throw new Error(JSON.stringify(nodes.map(({ health }) => health)));
    });
  }

  /** Resolves with the id of a leader that is not this one. */
  async ledByAnother(than: string, timeoutMs: number): Promise<string> {
    return this.#waitFor(`a leader that is not ${than}`, timeoutMs, async () => {
      const leader = (await this.#nodes()).find(({ health }) => health.state === 'leader')?.health.node_id;
      return leader !== undefined && leader !== than && leader;
    });
  }

  /** As a power cut would end the leader. Resolves with its id and container. */
  async killLeader(): Promise<{ readonly id: string; readonly container: Container }> {
    const { id, container } = await this.#leader();
    await this.#engine.docker('kill', '--signal', 'KILL', container.id);
    return { id, container };
  }

  /** As `docker stop` ends it, with the grace period of docker-compose.yml: resolves with how long it took, once it has ended well. */
  async stopLeader(): Promise<{ readonly id: string; readonly container: Container; readonly tookMs: number }> {
    const { id, container } = await this.#leader();
    const startedMs = performance.now();
    await this.#engine.docker('stop', container.id);
    const tookMs = Math.round(performance.now() - startedMs);
    const stopped = (await this.containers()).find((one) => one.id === container.id);
    assert.equal(
      stopped?.exitCode,
      0,
      `${id} did not end in order:\n${await this.#engine.docker('logs', container.id)}`,
    );
    return { id, container, tookMs };
  }

  async start({ id }: Container): Promise<void> {
    await this.#engine.docker('start', id);
  }

  /** Resolves once load has been sent for so long. */
  async running(elapsedMs: number, timeoutMs: number): Promise<void> {
    await this.#waitFor('the run to be on', timeoutMs, async () => {
      const run = await this.#ask<RunProgress>('/run');
      assert.notEqual(run.state, 'aborted', run.reason ?? '');
      return run.state === 'running' && run.elapsedMs >= elapsedMs;
    });
  }

  async finished(timeoutMs: number): Promise<RunReport> {
    await this.#waitFor('the run to end', timeoutMs, async () =>
      ['finished', 'aborted'].includes((await this.#ask<RunProgress>('/run')).state),
    );
    return this.#ask<RunReport>('/result');
  }

  /** What the image and docker-compose.yml say of rights, seen from inside. */
  async areLockedUp(): Promise<void> {
    for (const { id } of await this.containers()) {
      assert.equal((await this.#engine.docker('exec', id, 'id', '-u')).trim(), '1000');
      await assert.rejects(this.#engine.docker('exec', id, 'touch', '/app/x'), /Read-only file system/);
      assert.match(await this.#engine.docker('exec', id, 'cat', '/proc/1/comm'), /init|tini/);
    }
  }

  #waitFor<Value>(what: string, timeoutMs: number, ask: () => Promise<Value | false>): Promise<Value> {
    return waitFor(what, timeoutMs, ask, () => (this.#signal.aborted ? 'was interrupted' : null));
  }

  async #leader(): Promise<{ readonly id: string; readonly container: Container }> {
    const leader = (await this.#nodes()).find(({ health }) => health.state === 'leader');
    assert.ok(leader !== undefined, 'no node leads');
    return { id: leader.health.node_id, container: leader.container };
  }

  async #nodes(): Promise<readonly Node[]> {
    return healthOf(await this.containers());
  }

  async #ask<Body>(path: string): Promise<Body> {
    const running = (await this.containers()).filter(({ isRunning }) => isRunning);
    return Promise.any(running.map((container) => ask<Body>(container, path)));
  }
}

/** Of those that answer. */
async function healthOf(containers: readonly Container[]): Promise<readonly Node[]> {
  const asked = containers.map(async (container) => ({
    container,
    health: await ask<ClusterHealth>(container, '/health/cluster'),
  }));
  return (await Promise.allSettled(asked)).flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

async function ask<Body>({ ports }: Container, path: string): Promise<Body> {
  const port = ports.get('8080/tcp');
  if (port === undefined) throw new Error('the container does not run');
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(askTimeoutMs) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Body;
}
