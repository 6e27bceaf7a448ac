import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../../lib/clock.ts';
import { BadFrame, decodeFrame, encodeFrame, type StreamEnds } from '../codec.ts';
import type { WireFrame } from '../frames.ts';
import { MAX_FRAME_BYTES } from './service.ts';

/**
 * With so many bytes waiting for one peer no further frame is taken, so 8 MiB and one frame wait at most. A peer that reads
 * slower than we write would else cost memory without bound, and what waits behind 8 MiB is late anyway.
 */
export const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

/** HTTP/2's default window (RFC 9113 section 6.9.2), which grpc-js gives its servers no option to change. */
const ACCEPTOR_WINDOW_BYTES = 65_535;

/** How long a farewell may take to reach the peer before the connection is cut. */
export const FAREWELL_MS = 500;

export type GrpcStream = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

export interface PeerStreamHandlers {
  onFrame(frame: WireFrame): void;
  /** Once, unless the end came from this side. */
  onEnd(reason: string): void;
}

/** One gRPC stream as frames: bounded, with the instant it was last heard from. Either end of it. */
export class PeerStream {
  /** Peer and self, for what arrives; set to what the handshake proved before a Raft message is let through. */
  ends: StreamEnds = { from: '', to: '' };
  handlers: PeerStreamHandlers;
  lastHeardMs: number;
  readonly #stream: GrpcStream;
  readonly #clock: Clock;
  readonly #cut: () => void;
  #queuedBytes = 0;
  /** Since the peer was last heard. */
  #writtenBytes = 0;
  #isOpen = true;

  /** `cut` ends the connection below the stream, at once. */
  constructor(stream: GrpcStream, clock: Clock, cut: () => void, handlers: PeerStreamHandlers) {
    this.#stream = stream;
    this.#clock = clock;
    this.#cut = cut;
    this.handlers = handlers;
    this.lastHeardMs = clock.nowMs();
    stream.on('data', (bytes: Buffer) => this.#receive(bytes));
    stream.on('end', () => this.#ended('closed: the peer ended the stream'));
    stream.on('cancelled', () => this.#ended('reset: the connection was lost'));
    stream.on('error', (error: Error & { readonly details?: string }) =>
      this.#ended(`reset: ${error.details ?? error.message}`),
    );
    stream.on('close', () => this.#ended('reset: the connection was lost'));
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** False when the frame was dropped: the stream is over, too much is waiting, or the frame is larger than a peer takes. */
  send(frame: WireFrame): boolean {
    if (!this.#isOpen) return false;
    const encoded = encodeFrame(frame);
    const size = encoded.length;
    if (size > MAX_FRAME_BYTES || this.#queuedBytes >= MAX_QUEUED_BYTES) return false;
    this.#queuedBytes += size;
    this.#stream.write(Buffer.from(encoded.buffer, encoded.byteOffset, size), () => this.#written(size));
    return true;
  }

  /** Ends the stream from this side, after `last` if there is one. */
  close(last: WireFrame | null = null): void {
    if (!this.#isOpen) return;
    if (last !== null) this.send(last);
    this.#isOpen = false;
    const cancel = this.#clock.at(this.#clock.nowMs() + FAREWELL_MS, this.#cut);
    // Of a dialler: the acceptor has ended too. An acceptor leaves the connection to the dialler, which closes it once it
    // has read everything: cut here, a reset could overtake the last frame.
    this.#stream.once('status', () => {
      cancel();
      this.#cut();
    });
    this.#stream.end();
  }

  /**
   * The peer's pong waits behind the bulk that our ping waited behind. But bytes leave only as far as the peer's window
   * allows, so two windows' worth of them prove that it was reading all the while.
   */
  #written(size: number): void {
    this.#queuedBytes -= size;
    this.#writtenBytes += size;
    if (this.#writtenBytes < 2 * ACCEPTOR_WINDOW_BYTES) return;
    this.#writtenBytes = 0;
    this.lastHeardMs = this.#clock.nowMs();
  }

  #receive(bytes: Buffer): void {
    if (!this.#isOpen) return;
    this.lastHeardMs = this.#clock.nowMs();
    this.#writtenBytes = 0;
    let frame: WireFrame;
    try {
      frame = decodeFrame(bytes, this.ends);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#ended(`reset: the peer sent ${error.message}`);
      return;
    }
    this.handlers.onFrame(frame);
  }

  #ended(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream.end();
    this.#cut();
    this.handlers.onEnd(reason);
  }
}
