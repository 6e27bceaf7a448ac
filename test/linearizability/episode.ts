import { waitFor } from '../../scripts/lib/wait-for.ts';
import { Random } from '../simulation/random.ts';
import { fight } from './campaign.ts';
import { Client } from './client.ts';
import { Cluster, patienceMs } from './cluster.ts';
import type { FaultRecord, Operation } from './history.ts';
import { Lane } from './lanes.ts';
import { nemeses } from './nemeses/all.ts';

const clientsPerLane = 3;
/** What the clients must get done after each round of faults; they do it in a fraction of a second. */
const operationsToRecover = 50;

export interface EpisodeOptions {
  readonly directory: string;
  readonly transport: string;
  readonly broken: string | null;
  readonly seconds: number;
  readonly seed: number;
  /** Kinds of them. */
  readonly faults: readonly string[];
}

export interface Summary {
  readonly faults: readonly FaultRecord[];
  /** From the end of each round of faults until every node answered and the clients got on. */
  readonly recoveriesMs: readonly number[];
  readonly elections: number;
  readonly delayedSyncs: number;
  /** What went wrong beside the history: a cluster that does not recover, a node that ends, members that differ. */
  readonly problems: readonly string[];
}

/** Five nodes, fifteen clients and the faults of one seed. */
export class Episode {
  readonly operations: Operation[] = [];
  readonly #options: EpisodeOptions;
  readonly #faults: FaultRecord[] = [];
  readonly #recoveriesMs: number[] = [];
  readonly #problems: string[] = [];
  #startNs = process.hrtime.bigint();

  constructor(options: EpisodeOptions) {
    this.#options = options;
  }

  async run(): Promise<Summary> {
    const cluster = await Cluster.found(this.#options);
    this.#startNs = process.hrtime.bigint();
    const registers = ['r1', 'r2', 'r3'].map((name) => new Lane(name, 'register'));
    const lanes = [...registers, ...['s1', 's2'].map((name) => new Lane(name, 'set'))];
    const clients = lanes.flatMap((lane, at) => this.#clientsOf(cluster, lane, at * clientsPerLane));
    let isOver = false;
    const end = (): void => void (isOver = true);
    // A client ends early only with an error, and then there is no point in going on.
    const working = clients.map((client) => client.run(() => isOver).finally(end));
    const fighting = this.#fight(cluster, () => isOver).finally(end);
    for (const result of await Promise.allSettled([fighting, ...working])) {
      if (result.status === 'rejected') this.#note(result.reason);
    }
    if (this.#problems.length === 0) {
      await this.#look(cluster, lanes, clients).catch((error: unknown) => this.#note(error));
    }
    return {
      faults: this.#faults,
      recoveriesMs: this.#recoveriesMs,
      elections: cluster.elections,
      delayedSyncs: cluster.delayedSyncs,
      problems: [...this.#problems, ...cluster.crashes],
    };
  }

  readonly #nowNs = (): number => Number(process.hrtime.bigint() - this.#startNs);

  #clientsOf({ nodes }: Cluster, lane: Lane, first: number): Client[] {
    return Array.from({ length: clientsPerLane }, (_, at) => {
      const number = first + at;
      return new Client({
        ...{ number, lane, nowNs: this.#nowNs, nodes: nodes.map(({ http }) => http) },
        repeats: at % 2 === 1,
        random: new Random(this.#options.seed, `client ${number}`),
        record: (operation) => this.operations.push(operation),
      });
    });
  }

  #fight(cluster: Cluster, isOver: () => boolean): Promise<void> {
    const { seed, seconds, faults } = this.#options;
    const { nodes, network } = cluster;
    const field = { nodes, network, random: new Random(seed, 'nemesis'), leader: () => cluster.leader() };
    return fight(field, {
      nemeses: nemeses.filter(({ kind }) => faults.includes(kind)),
      ...{ seconds, isOver, nowNs: this.#nowNs },
      recovered: (healedNs) => this.#recovered(cluster, healedNs),
      onFault: (fault) => {
        this.#faults.push(fault);
        this.#say(`${fault.what} (${((fault.endNs - fault.startNs) / 1e9).toFixed(1)} s)`);
      },
    });
  }

  async #recovered(cluster: Cluster, healedNs: number): Promise<void> {
    await cluster.serves();
    const isDone = ({ callNs, end }: Operation): boolean => callNs > healedNs && end.outcome === 'ok';
    await waitFor('the clients to get on', patienceMs, () =>
      Promise.resolve(this.operations.slice(-operationsToRecover * 20).filter(isDone).length >= operationsToRecover),
    );
    const tookMs = Math.round((this.#nowNs() - healedNs) / 1e6);
    this.#recoveriesMs.push(tookMs);
    this.#say(`healed, and all serve after ${(tookMs / 1_000).toFixed(1)} s; ${this.operations.length} operations`);
  }

  /** Once all is quiet: each object as it is, in the history too, and the members must be the same. */
  async #look(cluster: Cluster, lanes: readonly Lane[], clients: readonly Client[]): Promise<void> {
    for (const [at, lane] of lanes.entries()) {
      for (const key of lane.keys()) await clients[at * clientsPerLane]!.operate(key, { op: 'read' });
    }
    await cluster.isEven();
  }

  #note(error: unknown): void {
    this.#problems.push(error instanceof Error ? error.message : String(error));
  }

  #say(message: string): void {
    process.stderr.write(`${(this.#nowNs() / 1e9).toFixed(0).padStart(5)} s  ${message}\n`);
  }
}
