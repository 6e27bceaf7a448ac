import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { ListedPeer, PeerIdentity } from '../transport.ts';

/**
 * PEM texts. With them both sides of every connection must show a certificate that one of `ca` has signed, and that names the node:
 * its id as a DNS name, and the address under which it is dialled.
 */
export interface TlsIdentity {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca: string | Buffer;
}

/** Asked for each new connection: keys may be renewed while the node runs. The same object as long as they are the same. */
export type TlsSource = () => TlsIdentity;

/** What a transport over the network needs, whichever wire it uses. */
export interface PeerTransportOptions {
  /** Asked at each handshake: the cluster id appears when the cluster is founded. */
  readonly self: () => PeerIdentity;
  readonly bind: { readonly host: string; readonly port: number };
  readonly listed: readonly ListedPeer[];
  /** Which element of `listed` is this node; or where the others reach it, if it is none of them. */
  readonly selfIndex: number | { readonly host: string; readonly port: number };
  readonly security: { readonly secret: string | null; readonly tls: TlsSource | null };
  readonly clock: Clock;
  /** Uniform in [0, 1); spreads reconnects. */
  readonly random?: () => number;
  readonly log: Log;
}
