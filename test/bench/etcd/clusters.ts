import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../../scripts/lib/wait-for.ts';

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
      const child = spawn(process.execPath, [join(import.meta.dirname, 'member.ts'), ...words], {
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
    const peer = (at: number): string => `http://127.0.0.1:${FIRST_PORT + at}`;
    const client = (at: number): string => `http://127.0.0.1:${FIRST_PORT + 10 + at}`;
    const cluster = ids.map((id, at) => `${id}=${peer(at)}`).join(',');
    const children = ids.map((id, at) => {
      const options = {
        ...{ name: id, 'data-dir': join(directory, id), 'initial-cluster': cluster },
        ...{ 'listen-peer-urls': peer(at), 'initial-advertise-peer-urls': peer(at) },
        ...{ 'listen-client-urls': client(at), 'advertise-client-urls': client(at) },
        ...{ 'heartbeat-interval': '50', 'election-timeout': '300' },
      };
      const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
      return spawn(etcd, flags, { stdio: 'ignore' });
    });
    try {
      const leader = await waitFor('etcd to lead', PATIENCE_MS, () => leaderOf(ids.map((_, at) => client(at))));
      return new EtcdCluster(children, FIRST_PORT + 10 + leader.at);
    } catch (error) {
      await kill(children);
      throw error;
    }
  }

  stop(): Promise<void> {
    return kill(this.#children);
  }
}

async function leaderOf(urls: readonly string[]): Promise<{ readonly at: number } | false> {
  const leads = await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' });
      const { leader, header } = (await answer.json()) as { leader?: string; header: { member_id: string } };
      return leader === header.member_id;
    }),
  );
  const at = leads.indexOf(true);
  return at >= 0 && { at };
}
