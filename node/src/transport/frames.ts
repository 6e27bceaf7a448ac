import type { NodeId } from '../raft/types.ts';
import type { PeerFrame, PeerIdentity } from './transport.ts';

/** Raised when an older node would misunderstand a newer one (proto/tutti/peer/v1/peer.proto). */
export const PROTOCOL_VERSION = 3;

/** The dialler's first frame. */
export interface Hello {
  readonly kind: 'hello';
  readonly protocolVersion: number;
  readonly identity: PeerIdentity;
  /** host:port under which the dialler stands in its own list. */
  readonly address: string;
  /** The id the dialler's list gives for the address it dialled. */
  readonly expectedId: NodeId | null;
  readonly nonce: Uint8Array;
}

export interface Welcome {
  readonly kind: 'welcome';
  readonly protocolVersion: number;
  readonly identity: PeerIdentity;
  readonly nonce: Uint8Array;
}

export interface Admitted {
  readonly kind: 'admitted';
  readonly mac: Uint8Array;
  /** What an operator should mend, though it keeps nobody apart; null when nothing. */
  readonly notice: string | null;
}

export type HandshakeFrame =
  | Hello
  | Welcome
  | { readonly kind: 'proof'; readonly mac: Uint8Array }
  | Admitted
  | { readonly kind: 'refused'; readonly reason: string };

export interface Ping {
  readonly kind: 'ping';
  readonly sequence: number;
  /** Milliseconds of the sender's monotonic clock. */
  readonly sentMs: number;
}

export interface Pong {
  readonly kind: 'pong';
  readonly sequence: number;
  /** As the ping said. */
  readonly sentMs: number;
  /** Milliseconds of the answering node's monotonic clock. */
  readonly receivedMs: number;
  readonly repliedMs: number;
}

/** Everything that crosses the wire. */
export type WireFrame = PeerFrame | HandshakeFrame | Ping | Pong;
