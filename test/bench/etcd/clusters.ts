import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { clientPortOf, clientUrlOf, etcdStatus, spawnEtcd } from './etcd-member.ts';

const PATIENCE_MS = 30_000;
const FIRST_PORT = 17_780;
const ids = ['a', 'b', 'c'];

export interface BenchCluster {
  /** Where the leader takes writes. */
  readonly leaderPort: number;
  stop(): Promise<void>;
}

async function kill(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }),
  );
}

/** Three of member.ts. */
export class OurCluster implements BenchCluster {
  readonly #children: readonly ChildProcess[];
  readonly leaderPort: number;

  private constructor(children: readonly ChildProcess[], leaderPort: number) {
    this.#children = children;
    this.leaderPort = leaderPort;
  }

  static async start(directory: string, transport: string): Promise<OurCluster> {
    const nodes = ids.map((id, at) => `${id}=127.0.0.1:${FIRST_PORT + at}`).join(',');
    const said = ids.map(() => new Set<string>());
    const children = ids.map((id, at) => {
      const words = [id, nodes, join(directory, id), transport, String(FIRST_PORT + 10 + at)];
      // One helper thread for V8, as bin/tutti has it (ADR 92).
      const child = spawn(process.execPath, ['--v8-pool-size=1', join(import.meta.dirname, 'member.ts'), ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      createInterface({ input: child.stdout }).on('line', (line) => said[at]!.add(line));
      return child;
    });
    try {
      const leader = await waitFor('a leader', PATIENCE_MS, () => {
        const at = said.findIndex((lines) => lines.has('leads'));
        return Promise.resolve(said.every((lines) => lines.has('listens')) && at >= 0 && { at });
      });
      return new OurCluster(children, FIRST_PORT + 10 + leader.at);
    } catch (error) {
      await kill(children);
      throw error;
    }
  }

  stop(): Promise<void> {
    return kill(this.#children);
  }
}

/** Three of Debian's etcd, with the heartbeat and the election timeout of our `lan`. */
export class EtcdCluster implements BenchCluster {
  readonly #children: readonly ChildProcess[];
  readonly leaderPort: number;

  private constructor(children: readonly ChildProcess[], leaderPort: number) {
    this.#children = children;
    this.leaderPort = leaderPort;
  }

  static async start(directory: string, etcd: string): Promise<EtcdCluster> {
    const options = { ids, firstPort: FIRST_PORT, directory, heartbeatMs: 50, electionTimeoutMs: 300 };
    const children = ids.map((_, at) => spawnEtcd(etcd, options, at));
    try {
      const leader = await waitFor('etcd to lead', PATIENCE_MS, async () => {
        const all = await Promise.all(ids.map((_, at) => etcdStatus(clientUrlOf(options, at))));
        const at = all.findIndex(({ leads }) => leads);
        return at >= 0 && { at };
      });
      return new EtcdCluster(children, clientPortOf(options, leader.at));
    } catch (error) {
      await kill(children);
      throw error;
    }
  }

  stop(): Promise<void> {
    return kill(this.#children);
  }
}
