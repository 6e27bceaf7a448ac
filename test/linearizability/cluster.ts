import { readFileSync } from 'node:fs';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { attempt } from './ask.ts';
import { Network } from './network.ts';
import { NodeProcess } from './node-process.ts';
import type { NodeOptions } from './node-process.ts';

const names = ['a', 'b', 'c', 'd', 'e'];
/** What a cluster that works needs a fraction of, on a busy machine too. */
export const patienceMs = 60_000;
const attemptTimeoutMs = 2_000;

/** Five nodes, each on a network of its own, and what they say of themselves. */
export class Cluster {
  readonly nodes: readonly NodeProcess[];
  readonly network: Network;

  private constructor(nodes: readonly NodeProcess[], network: Network) {
    this.nodes = nodes;
    this.network = network;
  }

  /** Resolves once all have met: before that the loss of one can leave too few whose votes count. */
  static async found(options: Pick<NodeOptions, 'directory' | 'transport' | 'broken'>): Promise<Cluster> {
    const network = await Network.open(names);
    const list = names.map((name) => `${name}=${network.address(name)}:7000`).join(',');
    const placeOf = (id: string): Pick<NodeOptions, 'id' | 'host' | 'on'> => ({
      ...{ id, host: network.address(id), on: network.on(id) },
    });
    const nodes = names.map((id) => new NodeProcess({ ...options, ...placeOf(id), nodes: list }));
    await Promise.all(nodes.map((node) => node.start()));
    await waitFor('five nodes to have met', patienceMs, async () => {
      const statuses = await Promise.all(nodes.map((node) => node.status()));
      return statuses.every((status) => (status?.membership as { unmet: number } | null)?.unmet === 0);
    });
    return new Cluster(nodes, network);
  }

  /** Ends that nobody asked for. */
  get crashes(): readonly string[] {
    return this.nodes.flatMap(({ crashes }) => crashes);
  }

  /** By the logs of the nodes, over all their starts. */
  get elections(): number {
    const countIn = ({ logFile }: NodeProcess): number =>
      readFileSync(logFile, 'utf8').split('"message":"elected: ').length - 1;
    return this.nodes.reduce((sum, node) => sum + countIn(node), 0);
  }

  get delayedSyncs(): number {
    return this.nodes.reduce((sum, node) => sum + node.delayedSyncs, 0);
  }

  /** The node that leads the highest term, as far as the nodes say; null where none does. */
  async leader(): Promise<NodeProcess | null> {
    const statuses = await Promise.all(this.nodes.map(async (node) => ({ node, status: await node.status() })));
    const leading = statuses.filter(({ status }) => status?.leading === true);
    leading.sort((one, other) => (other.status!.term as number) - (one.status!.term as number));
    return leading[0]?.node ?? null;
  }

  /** Resolves when each node has answered a read, which it cannot before it has caught up. */
  async serves(): Promise<void> {
    const ask = async ({ http }: NodeProcess): Promise<boolean> =>
      (await attempt(http, { method: 'GET', path: '/keys/recovered' }, attemptTimeoutMs)).outcome === 'ok';
    const crash = (): string | null => this.crashes[0] ?? null;
    await Promise.all(this.nodes.map((node) => waitFor(`${node.id} to serve`, patienceMs, () => ask(node), crash)));
  }

  /** When nobody writes any more: rejects unless all members come to the same state, to the last byte. */
  async isEven(): Promise<void> {
    const digests = await waitFor('the members to have applied the same', patienceMs, async () => {
      const statuses = await Promise.all(this.nodes.map((node) => node.status()));
      const indexes = new Set(statuses.map((status) => status?.appliedIndex));
      return indexes.size === 1 && !indexes.has(undefined) && statuses.map((status) => String(status!.digest));
    });
    if (new Set(digests).size > 1) throw new Error(`the members differ: ${digests.join(', ')}`);
  }
}
