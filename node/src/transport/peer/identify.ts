import type { Clock } from '../../lib/clock.ts';
import { DEFAULT_CLUSTER_PORT, parseAddress } from '../addresses.ts';
import { PROTOCOL_VERSION } from '../frames.ts';
import type { HandshakeSettings } from '../handshake.ts';
import { isWellFormed } from '../identity-check.ts';
import type { PeerIdentity } from '../transport.ts';
import type { TlsSource } from './options.ts';
import { PeerStream } from './peer-stream.ts';
import { TlsDial } from './tls.ts';
import type { Wire } from './wire.ts';

/** A node on a busy machine answers in tens of milliseconds; who does not in this time is asked again later. */
export const IDENTIFY_TIMEOUT_MS = 1_000;

export interface IdentifyOptions {
  readonly wire: Wire;
  readonly tls: TlsSource | null;
  readonly clock: Clock;
  readonly handshake: () => Omit<HandshakeSettings, 'secret'>;
}

/**
 * Who answers at "host:port", by the first half of the handshake: what it says of itself, without proof (by mutual
 * TLS its certificate has that name). Null: nobody in time, or no node of this version. The stream ends there, and the one asked notes nothing.
 */
export function identify(options: IdentifyOptions, address: string): Promise<PeerIdentity | null> {
  const { wire, tls, clock } = options;
  const target = parseAddress(address, DEFAULT_CLUSTER_PORT);
  if (typeof target === 'string') return Promise.resolve(null);
  const secure = tls === null ? null : new TlsDial(tls(), target.host);
  return new Promise((resolve) => {
    const stream = new PeerStream(wire.dial({ ...target, tls: secure, clock }), clock, {
      onFrame: (frame) => {
        const isNode = frame.kind === 'welcome' && frame.protocolVersion === PROTOCOL_VERSION;
        const isItself = isNode && (secure === null || secure.certified.names(frame.identity.nodeId));
        end(isItself && isWellFormed(frame.identity) ? frame.identity : null);
      },
      onEnd: () => end(null),
    });
    const end = (found: PeerIdentity | null): void => {
      cancel();
      stream.close();
      resolve(found);
    };
    const cancel = clock.at(clock.nowMs() + IDENTIFY_TIMEOUT_MS, () => end(null));
    const { self, selfAddress, nonce } = options.handshake();
    stream.send({
      kind: 'hello',
      protocolVersion: PROTOCOL_VERSION,
      identity: self,
      address: selfAddress,
      expectedId: null,
      nonce,
    });
  });
}
