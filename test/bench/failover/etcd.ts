import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { clientUrlOf, etcdStatus, spawnEtcd } from '../etcd/etcd-member.ts';
import type { EtcdOptions } from '../etcd/etcd-member.ts';
import type { Contender, Member } from './contender.ts';

const PATIENCE_MS = 30_000;
const ids = ['a', 'b', 'c'];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Three of Debian's etcd, written to through its own HTTP gateway. */
export class EtcdMembers implements Contender {
  readonly name: string;
  readonly #etcd: string;
  readonly #options: EtcdOptions;
  readonly #running = new Map<string, ChildProcess>();
  readonly #keepAlive = new Agent({ keepAlive: true });

  private constructor(etcd: string, options: EtcdOptions) {
    this.#etcd = etcd;
    this.#options = options;
    this.name = `etcd at ${options.heartbeatMs}/${options.electionTimeoutMs}`;
  }

  static async start(etcd: string, options: Omit<EtcdOptions, 'ids'>): Promise<EtcdMembers> {
    const cluster = new EtcdMembers(etcd, { ...options, ids });
    await Promise.all(ids.map((id) => cluster.restart(id)));
    return cluster;
  }

  get members(): readonly Member[] {
    return ids.map((id) => this.#memberOf(id));
  }

  settled(): Promise<Member> {
    return waitFor(`${this.name} to agree`, PATIENCE_MS, async () => {
      const all = await Promise.all(ids.map((_, at) => etcdStatus(clientUrlOf(this.#options, at))));
      const leading = ids.filter((_, at) => all[at]!.leads);
      const isEven = new Set(all.map(({ raftIndex }) => raftIndex)).size === 1;
      return leading.length === 1 && isEven && this.#memberOf(leading[0]!);
    });
  }

  restart(id: string): Promise<void> {
    this.#running.set(id, spawnEtcd(this.#etcd, this.#options, ids.indexOf(id)));
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#keepAlive.destroy();
    for (const child of this.#running.values()) child.kill('SIGKILL');
    await Promise.all(ids.map((id) => this.#memberOf(id).ended()));
  }

  #memberOf(id: string): Member {
    const url = clientUrlOf(this.#options, ids.indexOf(id));
    const child = this.#running.get(id)!;
    return {
      id,
      signal: (signal) => void child.kill(signal),
      ended: async () => {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      },
      write: (value) => put(url, value, this.#keepAlive),
    };
  }
}

function put(url: string, value: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(`${url}/v3/kv/put`, { method: 'POST', agent, timeout: PATIENCE_MS }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode === 200));
    });
    sent.on('error', () => resolve(false)).end(JSON.stringify({ key: base64('failover'), value: base64(value) }));
  });
}
