import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { NodeId } from '../../raft/types.ts';
import type { TlsDial } from './tls.ts';

/**
 * Largest frame either side takes, in bytes: far above what Raft batches (raft/core.ts, maxAppendBytes), as a large plan or
 * interval travels in one piece; small enough that a peer cannot make a node allocate without bound.
 */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/**
 * What ended a pipe. `absent`: the address refuses connections, no process listens there. At `tls` and `version` nothing
 * changes before somebody acts (a certificate, another program), so it is said loudly and tried again slowly. The reason of
 * `version` is a sentence without its subject, the peer.
 */
export type EndCause = 'lost' | 'absent' | 'tls' | 'version';

export interface PipeHandlers {
  /** The bytes of one frame. They are valid during the call only. */
  onFrame(bytes: Uint8Array): void;
  /** Some of a frame came, or a sign that the peer reads: it is alive. */
  onProgress(): void;
  /** The pipe is over, by the peer or the network; may be called again, which means nothing. */
  onEnd(reason: string, cause: EndCause): void;
}

/** One connection as frames of bytes, either end of it: all that differs between gRPC and TCP once it stands. */
export interface Pipe {
  /**
   * Bytes that can leave this process without the peer reading them; null where that is not known, and the peer shows by
   * `onProgress` that it reads.
   */
  readonly windowBytes: number | null;
  /** To be called once, before anything else. */
  open(handlers: PipeHandlers): void;
  /** `written` is called when the bytes have left this process. */
  write(frame: Uint8Array, written: () => void): void;
  /** The peer has proven who it is: frames up to MAX_FRAME_BYTES may come. */
  trust(): void;
  /** Says goodbye after all that was written; `ended` is called when the peer has taken note. */
  end(ended: () => void): void;
  /** Ends the connection at once. */
  cut(): void;
}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsDial | null;
  readonly clock: Clock;
}

/** Where a wire takes connections that the listener has accepted, TLS ended where there is TLS. */
export interface WireServer {
  accept(socket: Socket): void;
  close(): void;
}

export interface ServeContext {
  readonly clock: Clock;
  /** What ends the connection below a pipe; `remote` is as `remoteOf` prints it. */
  readonly cutter: (remote: string) => () => void;
  readonly onPipe: (pipe: Pipe, remote: string) => void;
}

/** What tells one way of carrying frames from the other, and how to turn its diallers away. */
export interface WireKind {
  /** As sentences call it. */
  readonly name: string;
  /** The value of CLUSTER_TRANSPORT. */
  readonly setting: string;
  /** Of every connection without TLS. */
  readonly firstByte: number;
  /** Of every connection with TLS (RFC 7301). */
  readonly alpnProtocol: string;
  /** Speaks to a dialler of this kind just enough to tell it `reasonFor`, which is asked once the dialler has really begun. */
  refuse(socket: Socket, clock: Clock, reasonFor: (claimedId: NodeId | null) => string): void;
}

/** A way of carrying frames: gRPC, or plain TCP. Everything else about a connection is the same for all. */
export interface Wire {
  readonly kind: WireKind;
  dial(target: DialTarget): Pipe;
  serve(context: ServeContext): WireServer;
}
