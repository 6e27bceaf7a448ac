import type { ClusterHealth } from '../../../node/src/api/health.ts';
import type { RunProgress } from '../../../node/src/coordinator/service.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import type { Machines } from './machines.ts';
import { run } from './run-command.ts';

interface Node {
  readonly machine: string;
  readonly health: ClusterHealth;
}

/** The nodes on the machines, asked as through a tunnel: their API listens on the loopback of their own machine. */
export class Nodes {
  readonly #machines: Machines;
  readonly #signal: AbortSignal;

  constructor(machines: Machines, signal: AbortSignal) {
    this.#machines = machines;
    this.#signal = signal;
  }

  /** Resolves with the leader once that many nodes agree that they are the cluster, and all of them vote. */
  formed(count: number, timeoutMs: number): Promise<Node> {
    return this.#waitFor(`${count} nodes to form a cluster`, timeoutMs, async () => {
      const nodes = await this.all();
      const leaders = new Set(nodes.map(({ health }) => health.leader_id));
      const agree = nodes.every(({ health }) => health.cluster_formed && health.peers === count);
      const leader = nodes.find(({ health }) => health.state === 'leader');
      const vote = leader?.health.members.every(({ role }) => role === 'voter') === true;
      if (nodes.length === count && agree && leaders.size === 1 && leader !== undefined && vote) return leader;
      throw new Error(JSON.stringify(nodes.map(({ health }) => health)));
    });
  }

  ledByAnother(than: string, timeoutMs: number): Promise<string> {
    return this.#waitFor(`a leader that is not ${than}`, timeoutMs, async () => {
      const leader = (await this.all()).find(({ health }) => health.state === 'leader')?.health.node_id;
      return leader !== undefined && leader !== than && leader;
    });
  }

  /** Resolves with null once the run of that plan has sent load for so long, or else with why it is over before. */
  async running(plan: string, elapsedMs: number, timeoutMs: number): Promise<string | null> {
    const { over } = await this.#waitFor(`the run of ${plan} to be on`, timeoutMs, async () => {
      const { planName, state, reason, elapsedMs: soFarMs } = await this.ask<RunProgress>('/run');
      if (planName !== plan) return false;
      if (state === 'aborted' || state === 'finished') return { over: `${state}: ${reason ?? ''}` };
      return state === 'running' && soFarMs >= elapsedMs && { over: null };
    });
    return over;
  }

  async report(): Promise<RunReport> {
    return this.ask<RunReport>('/result');
  }

  /** Of those that answer. */
  async all(): Promise<readonly Node[]> {
    const asked = this.#machines.names.map(async (machine) => ({
      machine,
      health: await this.#askOne<ClusterHealth>(machine, '/health/cluster'),
    }));
    return (await Promise.allSettled(asked)).flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** Whichever answers first. */
  ask<Body>(path: string): Promise<Body> {
    return Promise.any(this.#machines.names.map((machine) => this.#askOne<Body>(machine, path)));
  }

  async #askOne<Body>(machine: string, path: string): Promise<Body> {
    const there = this.#machines.get(machine);
    if (!there.isOn) throw new Error(`${machine} is off`);
    const curl = ['curl', '--fail', '--silent', '--show-error', '--max-time', '3', `http://127.0.0.1:8080${path}`];
    return JSON.parse(await run('nsenter', [`--net=/proc/${there.pid}/ns/net`, '--', ...curl])) as Body;
  }

  #waitFor<Value>(what: string, timeoutMs: number, ask: () => Promise<Value | false>): Promise<Value> {
    return waitFor(what, timeoutMs, ask, () => (this.#signal.aborted ? 'was interrupted' : this.#machines.firstDead()));
  }
}
