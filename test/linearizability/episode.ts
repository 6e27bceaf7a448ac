import { readFileSync } from 'node:fs';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { Random } from '../simulation/random.ts';
import { attempt } from './ask.ts';
import { fight } from './campaign.ts';
import { Client } from './client.ts';
import type { FaultRecord, Operation } from './history.ts';
import { Lane } from './lanes.ts';
import { nemeses } from './nemeses/all.ts';
import type { Battlefield } from './nemesis.ts';
import { Network } from './network.ts';
import { NodeProcess } from './node-process.ts';

const names = ['a', 'b', 'c', 'd', 'e'];
const clientsPerLane = 3;
const patienceMs = 60_000;
const attemptTimeoutMs = 2_000;
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
  #nodes: readonly NodeProcess[] = [];

  constructor(options: EpisodeOptions) {
    this.#options = options;
  }

  async run(): Promise<Summary> {
    const network = await this.#found();
    const lanes = [new Lane('r1', 'register'), new Lane('r2', 'register'), new Lane('r3', 'register')];
    lanes.push(new Lane('s1', 'set'), new Lane('s2', 'set'));
    const clients = lanes.flatMap((lane, at) => this.#clientsOf(lane, at * clientsPerLane));
    let isOver = false;
    const working = clients.map((client) => client.run(() => isOver));
    const fighting = this.#fight(network).finally(() => (isOver = true));
    // A client ends early only with an error.
    await Promise.race([fighting, ...working]).catch((error: unknown) => this.#note(error));
    isOver = true;
    const ends = await Promise.allSettled([fighting, ...working]);
    if (this.#problems.length === 0) await this.#look(lanes, clients).catch((error: unknown) => this.#note(error));
    for (const end of ends) if (end.status === 'rejected') this.#note(end.reason);
    const crashes = this.#nodes.flatMap((node) => node.crashes);
    return {
      faults: this.#faults,
      recoveriesMs: this.#recoveriesMs,
      elections: this.#nodes.reduce((sum, node) => sum + electionsOf(node), 0),
      delayedSyncs: this.#nodes.reduce((sum, node) => sum + node.delayedSyncs, 0),
      problems: [...new Set([...this.#problems, ...crashes])],
    };
  }

  readonly #nowNs = (): number => Number(process.hrtime.bigint() - this.#startNs);

  async #found(): Promise<Network> {
    const network = await Network.open(names);
    const nodes = names.map((name) => `${name}=${network.address(name)}:7000`).join(',');
    this.#nodes = names.map(
      (id) => new NodeProcess({ ...this.#options, id, nodes, host: network.address(id), on: network.on(id) }),
    );
    await Promise.all(this.#nodes.map((node) => node.start()));
    await waitFor('five nodes to have met', patienceMs, async () => {
      const statuses = await Promise.all(this.#nodes.map((node) => node.status()));
      return statuses.every((status) => (status?.membership as { unmet: number } | null)?.unmet === 0);
    });
    this.#startNs = process.hrtime.bigint();
    return network;
  }

  #clientsOf(lane: Lane, first: number): Client[] {
    return Array.from({ length: clientsPerLane }, (_, at) => {
      const number = first + at;
      return new Client({
        ...{ number, lane, nowNs: this.#nowNs, nodes: this.#nodes.map(({ http }) => http) },
        repeats: at % 2 === 1,
        random: new Random(this.#options.seed, `client ${number}`),
        record: (operation) => this.operations.push(operation),
      });
    });
  }

  #fight(network: Network): Promise<void> {
    const random = new Random(this.#options.seed, 'nemesis');
    const field: Battlefield = { nodes: this.#nodes, network, random, leader: () => this.#leader() };
    return fight(field, {
      nemeses: nemeses.filter(({ kind }) => this.#options.faults.includes(kind)),
      seconds: this.#options.seconds,
      nowNs: this.#nowNs,
      recovered: (healedNs) => this.#recovered(healedNs),
      onFault: (fault) => {
        this.#faults.push(fault);
        const lastedMs = (fault.endNs - fault.startNs) / 1e6;
        this.#say(`${fault.what} (${(lastedMs / 1_000).toFixed(1)} s)`);
      },
    });
  }

  /** Every node answers a read, which it cannot before it has caught up, and the clients get on. */
  async #recovered(healedNs: number): Promise<void> {
    const crash = (): string | null => this.#nodes.flatMap((node) => node.crashes)[0] ?? null;
    const ask = async ({ http }: NodeProcess): Promise<boolean> =>
      (await attempt(http, { method: 'GET', path: '/keys/recovered' }, attemptTimeoutMs)).outcome === 'ok';
    const waits = this.#nodes.map((node) => waitFor(`${node.id} to serve`, patienceMs, () => ask(node), crash));
    await Promise.all(waits);
    const isDone = ({ callNs, end }: Operation): boolean => callNs > healedNs && end.outcome === 'ok';
    await waitFor('the clients to get on', patienceMs, () =>
      Promise.resolve(this.operations.slice(-operationsToRecover * 20).filter(isDone).length >= operationsToRecover),
    );
    const tookMs = Math.round((this.#nowNs() - healedNs) / 1e6);
    this.#recoveriesMs.push(tookMs);
    this.#say(`healed, and all serve after ${(tookMs / 1_000).toFixed(1)} s; ${this.operations.length} operations`);
  }

  async #leader(): Promise<NodeProcess | null> {
    const statuses = await Promise.all(this.#nodes.map(async (node) => ({ node, status: await node.status() })));
    const leading = statuses.filter(({ status }) => status?.leading === true);
    leading.sort((one, other) => (other.status!.term as number) - (one.status!.term as number));
    return leading[0]?.node ?? null;
  }

  /** Once all is quiet: each object as it is, in the history too, and the members must be the same to the last byte. */
  async #look(lanes: readonly Lane[], clients: readonly Client[]): Promise<void> {
    for (const [at, lane] of lanes.entries()) {
      for (const key of lane.keys()) await clients[at * clientsPerLane]!.operate(key, { op: 'read' });
    }
    const digests = await waitFor('the members to have applied the same', patienceMs, async () => {
      const statuses = await Promise.all(this.#nodes.map((node) => node.status()));
      const isEven = new Set(statuses.map((status) => status?.appliedIndex ?? null)).size === 1 && statuses[0] !== null;
      return isEven && statuses.map((status) => String(status!.digest));
    });
    if (new Set(digests).size > 1) throw new Error(`the members differ: ${digests.join(', ')}`);
  }

  #note(error: unknown): void {
    this.#problems.push(error instanceof Error ? error.message : String(error));
  }

  #say(message: string): void {
    process.stderr.write(`${(this.#nowNs() / 1e9).toFixed(0).padStart(5)} s  ${message}\n`);
  }
}

/** By its log, over all its starts. */
function electionsOf({ logFile }: NodeProcess): number {
  return readFileSync(logFile, 'utf8').split('"message":"elected: ').length - 1;
}
