import type { Located } from '../../discovery/founding.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Settings } from '../../settings/schema.ts';
import { grpcWire } from '../../transport/grpc/grpc-transport.ts';
import { Porch } from '../../transport/peer/porch.ts';
import { tcpWire } from '../../transport/tcp/tcp-transport.ts';
import type { PeerIdentity } from '../../transport/transport.ts';
import { wireKinds } from '../../transport/wire-kinds.ts';
import type { PeerSecurity } from '../doors.ts';

export interface OwnPorchOptions {
  readonly settings: Settings;
  readonly security: PeerSecurity;
  readonly self: Located;
  /** host:port of the HTTP API, as others reach it. */
  readonly apiAddress: string;
  /** What members compare at each handshake: as many as found the cluster, as far as this node knows. */
  readonly listedSize: () => number;
  /** Who dialled this node as a member. */
  readonly onMember: (peer: PeerIdentity) => void;
  readonly log: Log;
}

/** Who this node says it is, to whoever asks at its port before it knows anybody. */
export function ownPorch({ settings, security, self, apiAddress, listedSize, onMember, log }: OwnPorchOptions): Porch {
  const { nodeId, incarnation, session, address, isLearner } = self;
  return new Porch({
    wire: settings.transport === 'tcp' ? tcpWire : grpcWire,
    kinds: wireKinds,
    self: () => ({
      ...{ nodeId, incarnation, session, region: settings.region, apiAddress },
      ...{ clusterId: null, electionPriority: 0, isLearner, listedSize: listedSize() },
    }),
    bind: settings.bindAddress,
    ...{ address, security, clock: systemClock, log, onMember },
  });
}
