import { systemClock } from '../../../node/src/lib/clock.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { createGrpcTransport } from '../../../node/src/transport/grpc/grpc-transport.ts';
import type { PeerTransportOptions } from '../../../node/src/transport/peer/options.ts';
import { createTcpTransport } from '../../../node/src/transport/tcp/tcp-transport.ts';
import type { ListedPeer, PeerIdentity, Transport } from '../../../node/src/transport/transport.ts';

export type CreateTransport = (options: PeerTransportOptions) => Transport;

/** Every transport over the network, by its name in CLUSTER_TRANSPORT. */
export const networkTransports = [
  ['grpc', createGrpcTransport],
  ['tcp', createTcpTransport],
] as const satisfies readonly (readonly [string, CreateTransport])[];

const FIRST_PORT = 20_000;
/** Twice as many are below where the system takes ports of its own from (32768): two files may run at a time. */
const PORTS = 5_000;
const firstPort = FIRST_PORT + (Number(process.env.VITEST_POOL_ID ?? 0) % 2) * PORTS;
/** Another beginning for each process, so that two runs of the suite on one machine do not meet. */
let nextPort = (process.pid * 101) % PORTS;

/** A port of this suite's range; each test takes new ones, so that a lingering connection of another does not matter. */
export function takePort(): number {
  nextPort = (nextPort + 1) % PORTS;
  return firstPort + nextPort;
}

export function identityOf(nodeId: string, changes: Partial<PeerIdentity> = {}): PeerIdentity {
  return {
    nodeId,
    incarnation: `disk-${nodeId}`,
    session: `session-${nodeId}`,
    clusterId: null,
    listedSize: 2,
    region: 'local',
    apiAddress: '127.0.0.1:1',
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

  async close(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }
}
