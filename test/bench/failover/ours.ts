import { Agent, request } from 'node:http';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { KeyValueNode, type Status } from '../../integration/key-value/node.ts';
import type { Contender, Member } from './contender.ts';

const PATIENCE_MS = 20_000;
const ids = ['a', 'b', 'c'];
const nodes = ids.map((id, at) => `${id}=127.0.0.1:${17_760 + at}`).join(',');

/** Three nodes of examples/key-value with `lan` timings. */
export class OurMembers implements Contender {
  readonly name = 'tutti';
  readonly #directory: string;
  readonly #running = new Map<string, KeyValueNode>();
  readonly #keepAlive = new Agent({ keepAlive: true });

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async start(directory: string): Promise<OurMembers> {
    const cluster = new OurMembers(directory);
    await Promise.all(ids.map((id) => cluster.restart(id)));
    return cluster;
  }

  get members(): readonly Member[] {
    return [...this.#running.values()].map((node) => this.#memberOf(node));
  }

  settled(): Promise<Member> {
    return waitFor('three nodes to agree', PATIENCE_MS, async () => {
      const all: Status[] = await Promise.all([...this.#running.values()].map((node) => node.status()));
      const isWhole =
        all.every(({ membership }) => membership?.unmet === 0) && [...this.#running.values()].every(reachesBoth);
      const same = (of: (status: Status) => unknown): boolean => new Set(all.map(of)).size === 1;
      if (!isWhole || !same(({ leaderId }) => leaderId) || !same(({ appliedIndex }) => appliedIndex)) return false;
      const leader = this.#running.get(all.find(({ leading }) => leading)?.nodeId ?? '');
      return leader !== undefined && this.#memberOf(leader);
    });
  }

  async restart(id: string): Promise<void> {
    this.#running.set(id, await KeyValueNode.start(id, nodes, this.#directory));
  }

  async stop(): Promise<void> {
    this.#keepAlive.destroy();
    await Promise.all([...this.#running.values()].map((node) => node.kill()));
  }

  #memberOf(node: KeyValueNode): Member {
    return {
      id: node.id,
      signal: (signal) => node.signal(signal),
      ended: () => node.ended(),
      write: (value) => write(node.url, value, this.#keepAlive),
    };
  }
}

/** By its log: two survivors that do not reach each other could elect nobody. */
function reachesBoth({ output }: KeyValueNode): boolean {
  const count = (message: string): number => output.split(`"message":"${message}`).length - 1;
  return count('connected"') - count('lost: ') === 2;
}

function write(url: string, value: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(`${url}/keys/failover`, { method: 'PUT', agent, timeout: PATIENCE_MS }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode === 200));
    });
    sent.on('error', () => resolve(false)).end(value);
  });
}
