import { systemClock } from '../../../node/src/lib/clock.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { createGrpcTransport } from '../../../node/src/transport/grpc/grpc-transport.ts';
import type { PeerTransportOptions } from '../../../node/src/transport/peer/options.ts';
import { createTcpTransport } from '../../../node/src/transport/tcp/tcp-transport.ts';
import type { ListedPeer, PeerIdentity, Transport } from '../../../node/src/transport/transport.ts';
import { takePort } from '../../support/ports.ts';

export type CreateTransport = (options: PeerTransportOptions) => Transport;

/** Every transport over the network, by its name in CLUSTER_TRANSPORT. */
export const networkTransports = [
  ['grpc', createGrpcTransport],
  ['tcp', createTcpTransport],
] as const satisfies readonly (readonly [string, CreateTransport])[];

export function identityOf(nodeId: string, changes: Partial<PeerIdentity> = {}): PeerIdentity {
  return {
    nodeId,
    incarnation: `disk-${nodeId}`,
    session: `session-${nodeId}`,
    clusterId: null,
    listedSize: 2,
    region: 'local',
    apiAddress: '127.0.0.1:1',
    electionPriority: 0,
    isLearner: false,
    ...changes,
  };
}

export interface NodeChanges extends Partial<PeerTransportOptions> {
  /** Another transport than the cluster's. */
  readonly create?: CreateTransport;
  readonly identity?: Partial<PeerIdentity>;
}

/** A list of nodes on loopback, and transports on it. */
export class LoopbackCluster {
  readonly listed: readonly ListedPeer[];
  readonly #create: CreateTransport;
  readonly #transports: Transport[] = [];

  constructor(create: CreateTransport, ids: readonly (string | null)[], host = '127.0.0.1') {
    this.#create = create;
    this.listed = ids.map((id) => ({ id, host, port: takePort() }));
  }

  make(
    index: number,
    nodeId: string,
    { identity = {}, create = this.#create, ...changes }: NodeChanges = {},
  ): Transport {
    const own = this.listed[index]!;
    const self = identityOf(nodeId, { listedSize: this.listed.length, ...identity });
    const transport = create({
      self: () => self,
      bind: { host: own.host, port: own.port },
      listed: this.listed,
      selfIndex: index,
      security: { secret: null, tls: null },
      clock: systemClock,
      log: silentLog,
      ...changes,
    });
    this.#transports.push(transport);
    return transport;
  }

  /** Ends the nth that was made, from 0. */
  async closeAt(index: number): Promise<void> {
    await this.#transports[index]!.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }
}
