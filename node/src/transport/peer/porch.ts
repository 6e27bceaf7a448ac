import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { HandshakeSettings } from '../handshake.ts';
import { NONCE_BYTES } from '../proof.ts';
import type { PeerIdentity } from '../transport.ts';
import { Acceptor } from './acceptor.ts';
import { identify } from './identify.ts';
import type { TlsSource } from './options.ts';
import { remoteHost } from './remote.ts';
import type { Wire, WireKind } from './wire.ts';

export interface PorchOptions {
  readonly wire: Wire;
  /** Every kind there is, so that diallers of the others are told. */
  readonly kinds: readonly WireKind[];
  /** Of a node that belongs to no cluster yet; asked at each handshake. */
  readonly self: () => PeerIdentity;
  readonly bind: { readonly host: string; readonly port: number };
  /** host:port, where others reach this node. */
  readonly address: string;
  readonly security: { readonly secret: string | null; readonly tls: TlsSource | null };
  readonly clock: Clock;
  readonly log: Log;
  /** A member of a founded cluster dialled this node, and proved that it knows the secret: it has been admitted there. */
  readonly onMember: (peer: PeerIdentity) => void;
}

/**
 * The port of a node that does not know its peers yet: it says who it is to whoever asks, and lets nobody in. A peer that dials
 * waits at the door; when the porch closes it is not refused but cut off, and so dials the transport that comes after at once.
 */
export class Porch {
  readonly #options: PorchOptions;
  readonly #acceptor: Acceptor;

  constructor(options: PorchOptions) {
    this.#options = options;
    const { wire, kinds, clock, log, security, onMember } = options;
    this.#acceptor = new Acceptor(
      {
        ...{ wire, clock },
        foreign: kinds.filter((kind) => kind !== wire.kind),
        tls: security.tls,
        handshake: () => this.#handshake(),
        list: { idAt: () => null, addressesOf: () => [], idsOn: () => [] },
      },
      {
        judge: (peer) => {
          if (peer.clusterId !== null) onMember(peer);
          return new Promise<string | null>(() => undefined);
        },
        onOpen: () => undefined,
        onFrame: () => undefined,
        onClosed: () => undefined,
        onRefused: () => undefined,
        onProblem: (remote, reason) => log.warn({ peer: remoteHost(remote) }, reason),
      },
    );
  }

  /** Fails with ADDRESS_IN_USE or SETTINGS_INVALID. */
  listen(): Promise<void> {
    const { host, port } = this.#options.bind;
    return this.#acceptor.listen(host, port);
  }

  close(): Promise<void> {
    return this.#acceptor.close();
  }

  /** See `identify`; works before and after the porch is open. */
  readonly identify = (address: string): Promise<PeerIdentity | null> => {
    const { wire, security, clock } = this.#options;
    return identify({ wire, tls: security.tls, clock, handshake: () => this.#handshake() }, address);
  };

  #handshake(): HandshakeSettings {
    const { self, address, security } = this.#options;
    return { self: self(), selfAddress: address, secret: security.secret, nonce: randomBytes(NONCE_BYTES) };
  }
}
