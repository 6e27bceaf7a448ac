import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { ListedPeer, PeerIdentity } from '../transport.ts';

/** PEM texts. With them both sides of every connection must show a certificate that `ca` has signed. */
export interface TlsIdentity {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca: string | Buffer;
}

/** What a transport over the network needs, whichever wire it uses. */
export interface PeerTransportOptions {
  /** Asked at each handshake: the cluster id appears when the cluster is founded. */
  readonly self: () => PeerIdentity;
  readonly bind: { readonly host: string; readonly port: number };
  readonly listed: readonly ListedPeer[];
  /** Which element of `listed` is this node; or where the others reach it, if it is none of them. */
  readonly selfIndex: number | { readonly host: string; readonly port: number };
  readonly security: { readonly secret: string | null; readonly tls: TlsIdentity | null };
  readonly clock: Clock;
  /** Uniform in [0, 1); spreads reconnects. */
  readonly random?: () => number;
  readonly log: Log;
}
