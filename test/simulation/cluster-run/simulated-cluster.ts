import type { AgentRef, Run } from '../../../node/src/cluster/state.ts';
import { missingMembers } from '../../../node/src/coordinator/roll-call.ts';
import { isOver } from '../../../node/src/cluster/transitions.ts';
import type { Log } from '../../../node/src/lib/log.ts';
import { createNodeRuntime, type NodeRuntime } from '../../../node/src/runtime/node-runtime.ts';
import { FakeCluster } from './fake-cluster.ts';
import type { FakeConsensus } from './fake-consensus.ts';
import { FakeGenerators, Witness } from './fake-generators.ts';
import { MachineClock, World } from './world.ts';

export interface SimulatedNode {
  readonly id: string;
  readonly self: AgentRef;
  readonly consensus: FakeConsensus;
  readonly runtime: NodeRuntime;
  readonly clock: MachineClock;
  readonly log: Log;
  generators: FakeGenerators | null;
}

export interface LogLine {
  readonly atMs: number;
  readonly node: string;
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

/** Agents and coordinators of a whole cluster in one process, under virtual time; faults are what the tests do to it. */
export class SimulatedCluster {
  readonly world: World;
  readonly cluster: FakeCluster;
  readonly witness = new Witness();
  readonly nodes = new Map<string, SimulatedNode>();
  readonly lines: LogLine[] = [];
  readonly bugs: unknown[] = [];
  readonly unsent: { readonly node: string; readonly text: string }[] = [];
  /** What the next preparations answer, by node; ready when there is nothing. */
  readonly failPrepare = new Map<string, string[]>();
  /** Nodes that never get warm. */
  readonly cold = new Set<string>();
  #sessions = 0;

  constructor(seed: number, size: number) {
    this.world = new World(seed);
    this.cluster = new FakeCluster(this.world, size);
    for (let index = 0; index < size; index++) this.boot(`n${index}`);
  }

  boot(id: string): void {
    const { random } = this.world;
    const session = `s${this.#sessions++}`;
    const clock = new MachineClock(this.world, random.between(0, 1e6), random.between(-100, 100));
    const consensus = this.cluster.boot(id, session, clock);
    const self = { node: id, session, region: consensus.identity.region };
    const log = this.#logOf(id);
    const runtime = createNodeRuntime({
      consensus,
      state: () => consensus.replicated.state(),
      self,
      createGenerators: (job, listener) => {
        const prepare = this.#prepare(id);
        const generators = new FakeGenerators({
          world: this.world,
          clock,
          witness: this.witness,
          job,
          listener,
          prepare,
        });
        node.generators = generators;
        return generators;
      },
      warmUp: () => (this.cold.has(id) ? new Promise(() => undefined) : Promise.resolve()),
      settings: { configTimeoutMs: 6_000, electionTimeoutMaxMs: () => 300 },
      clock,
      unixMs: () => this.world.nowMs,
      newRunId: () => `run-${random.next()}`,
      writeUnsent: (_runId, text) => {
        this.unsent.push({ node: id, text });
        return Promise.resolve('unsent');
      },
      log,
      onBug: (error) => this.bugs.push(error),
    });
    const node: SimulatedNode = { id, self, consensus, runtime, clock, log, generators: null };
    this.nodes.set(id, node);
  }

  kill(id: string): void {
    void this.nodes.get(id)?.generators?.close();
    this.nodes.delete(id);
    this.cluster.kill(id);
  }

  /** SIGTERM: another one leads first, then the runtime closes as it does in a node, then the process is gone. */
  async end(id: string): Promise<void> {
    const node = this.nodes.get(id)!;
    if (node === this.leader()) this.cluster.depose();
    await node.runtime.close();
    if (this.nodes.get(id) === node) this.kill(id);
  }

  /** The process is stopped; its generators are processes of their own and go on. */
  pause(id: string): void {
    this.nodes.get(id)!.consensus.pause();
    this.cluster.cutOff(id);
  }

  resume(id: string): void {
    this.nodes.get(id)?.consensus.resume();
    this.cluster.heal(id);
  }

  /** A leader, and everyone has met everyone. */
  untilFormed(): Promise<boolean> {
    const isMet = (node: SimulatedNode): boolean => missingMembers(node.consensus).length === 0;
    return this.until(() => this.leader() !== null && [...this.nodes.values()].every(isMet));
  }

  leader(): SimulatedNode | null {
    return [...this.nodes.values()].find((node) => node.consensus.status().leading) ?? null;
  }

  run(id: string): Run | null {
    return this.nodes.get(id)?.consensus.replicated.state().run ?? null;
  }

  runMs(): number | null {
    for (const node of this.nodes.values()) {
      const run = this.run(node.id);
      const runMs = run === null ? null : node.runtime.runMs(run.id);
      if (runMs !== null) return runMs;
    }
    return null;
  }

  until(isDone: () => boolean, withinMs = 120_000): Promise<boolean> {
    return this.world.run(isDone, this.world.nowMs + withinMs);
  }

  /** On every node that is up. */
  untilOver(withinMs?: number): Promise<boolean> {
    return this.until(
      () =>
        [...this.nodes.keys()].every((id) => {
          const phase = this.run(id)?.phase;
          return phase !== undefined && isOver(phase);
        }),
      withinMs,
    );
  }

  async submit(planText: string, at = 'n0'): Promise<string> {
    const answers: string[] = [];
    const failures: unknown[] = [];
    this.nodes
      .get(at)!
      .runtime.runs.submit({ planText, submissionId: `sub-${this.world.nowMs}` })
      .then(
        (answer) => answers.push(answer.runId),
        (error: unknown) => failures.push(error),
      );
    await this.until(() => answers.length + failures.length > 0);
    const runId = answers[0];
    if (runId === undefined) throw failures[0];
    return runId;
  }

  #prepare(id: string): () => Promise<{ ok: true; generators: number } | { ok: false; step: string; message: string }> {
    return () =>
      new Promise((resolve) => {
        this.world.after(this.world.random.between(20, 300), () => {
          const failure = this.failPrepare.get(id)?.shift();
          if (failure === undefined) resolve({ ok: true, generators: FakeGenerators.count });
          else if (failure !== 'never') resolve({ ok: false, step: 'resolve names', message: failure });
        });
      });
  }

  #logOf(node: string): Log {
    const line =
      (level: string) =>
      (fields: object, message: string): void => {
        this.lines.push({ atMs: this.world.nowMs, node, level, message, fields });
      };
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }
}

/** So many users, as a closed model. */
export const closedPlanText = (users: number, seconds: number): string =>
  planText(1, seconds)
    .replace('model: rps\n  target: 1', 'model: concurrent')
    .replace('  duration', `  workers: ${users}\n  duration`);

export const planText = (ratePerSecond: number, seconds: number): string => `version: "1.0"
config:
  baseUrl: http://127.0.0.1:17400
  duration: ${seconds}s
load:
  model: rps
  target: ${ratePerSecond}
scenarios:
  - name: only
    steps:
      - name: one
        request: { method: GET, path: / }
`;

/** A cluster with a run of 50 arrivals a second that has come to `runMs`. */
export async function runningAt(
  runMs: number,
  of: { seed?: number; size?: number; seconds?: number } = {},
): Promise<SimulatedCluster> {
  const sim = new SimulatedCluster(of.seed ?? 1, of.size ?? 3);
  await sim.untilFormed();
  await sim.submit(planText(50, of.seconds ?? 10));
  if (!(await sim.until(() => (sim.runMs() ?? -1) >= runMs))) throw new Error(`the run never came to ${runMs} ms`);
  return sim;
}

export function others(sim: SimulatedCluster, id: string): readonly string[] {
  return [...sim.nodes.keys()].filter((each) => each !== id);
}
