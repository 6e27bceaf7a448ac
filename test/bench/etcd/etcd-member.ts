import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../../support/find-program.ts';

export interface EtcdOptions {
  readonly ids: readonly string[];
  /** Peers are reached from this port on, clients from ten further on. */
  readonly firstPort: number;
  readonly directory: string;
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
}

/** Debian's etcd-server, 3.4. */
export async function findEtcd(): Promise<string> {
  const etcd = await findProgram('etcd');
  if (etcd === null) throw new Error('etcd is not on the PATH: apt-get install etcd-server');
  return etcd;
}

export const clientPortOf = ({ firstPort }: EtcdOptions, at: number): number => firstPort + 10 + at;
export const clientUrlOf = (options: EtcdOptions, at: number): string =>
  `http://127.0.0.1:${clientPortOf(options, at)}`;

/** The member at this place of `ids`. */
export function spawnEtcd(etcd: string, options: EtcdOptions, at: number): ChildProcess {
  const { ids, firstPort, directory, heartbeatMs, electionTimeoutMs } = options;
  const peerUrl = (place: number): string => `http://127.0.0.1:${firstPort + place}`;
  const flags = {
    ...{ name: ids[at]!, 'data-dir': join(directory, ids[at]!) },
    ...{ 'initial-cluster': ids.map((id, place) => `${id}=${peerUrl(place)}`).join(',') },
    ...{ 'listen-peer-urls': peerUrl(at), 'initial-advertise-peer-urls': peerUrl(at) },
    ...{ 'listen-client-urls': clientUrlOf(options, at), 'advertise-client-urls': clientUrlOf(options, at) },
    ...{ 'heartbeat-interval': String(heartbeatMs), 'election-timeout': String(electionTimeoutMs) },
  };
  const words = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return spawn(etcd, words, { stdio: 'ignore' });
}

/** Whether the member leads, and where its log ends; rejects while it does not answer. */
export async function etcdStatus(url: string): Promise<{ readonly leads: boolean; readonly raftIndex: string }> {
  const answer = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' });
  const status = (await answer.json()) as { leader?: string; raftIndex: string; header: { member_id: string } };
  return { leads: status.leader === status.header.member_id, raftIndex: status.raftIndex };
}
