import type { Clock } from '../../lib/clock.ts';
import { BadFrame, decodeFrame, encodeFrame, type StreamEnds } from '../codec.ts';
import type { WireFrame } from '../frames.ts';
import { type EndCause, MAX_FRAME_BYTES, type Pipe } from './wire.ts';

/**
 * With so many bytes waiting for one peer no further frame is taken, so 8 MiB and one frame wait at most. A peer that reads
 * slower than we write would else cost memory without bound, and what waits behind 8 MiB is late anyway.
 */
export const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

/** Pieces of snapshots that wait until nothing else does; a sender keeps less than this under way. */
export const MAX_BULK_BYTES = 1024 * 1024;

/** How long a farewell may take to reach the peer before the connection is cut. */
export const FAREWELL_MS = 500;

export interface PeerStreamHandlers {
  onFrame(frame: WireFrame): void;
  /** Once, unless the end came from this side. */
  onEnd(reason: string, cause: EndCause): void;
}

/** One connection as frames: bounded, with the instant it was last heard from. Either end of it. */
export class PeerStream {
  handlers: PeerStreamHandlers;
  lastHeardMs: number;
  readonly #pipe: Pipe;
  readonly #clock: Clock;
  /** Peer and self, for what arrives. */
  #ends: StreamEnds = { from: '', to: '' };
  #queuedBytes = 0;
  /** The lane of snapshots: one piece at a time goes down the pipe, and only an empty one (raft.md S11). */
  readonly #bulk: Uint8Array[] = [];
  #bulkBytes = 0;
  /** Since the peer was last heard. */
  #writtenBytes = 0;
  #isOpen = true;
  #hasHeard = false;

  constructor(pipe: Pipe, clock: Clock, handlers: PeerStreamHandlers) {
    this.#pipe = pipe;
    this.#clock = clock;
    this.handlers = handlers;
    this.lastHeardMs = clock.nowMs();
    pipe.open({
      onFrame: (bytes) => this.#receive(bytes),
      onProgress: () => this.#spoken(),
      onEnd: (reason, cause) => this.#ended(reason, cause),
    });
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Whether the peer has said a word. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** To be called with what the handshake proved before a Raft message is let through. */
  trust(ends: StreamEnds): void {
    this.#ends = ends;
    this.#pipe.trust();
  }

  /** False when the frame was dropped: the stream is over, too much is waiting, or the frame is larger than a peer takes. */
  send(frame: WireFrame): boolean {
    if (!this.#isOpen) return false;
    const encoded = encodeFrame(frame);
    const size = encoded.length;
    if (frame.kind === 'snapshotChunk') return this.#sendBulk(encoded);
    if (size > MAX_FRAME_BYTES || this.#queuedBytes >= MAX_QUEUED_BYTES) return false;
    this.#write(encoded);
    return true;
  }

  #sendBulk(encoded: Uint8Array): boolean {
    if (this.#bulkBytes + encoded.length > MAX_BULK_BYTES) return false;
    this.#bulkBytes += encoded.length;
    this.#bulk.push(encoded);
    this.#writeBulk();
    return true;
  }

  #writeBulk(): void {
    const next = this.#queuedBytes === 0 && this.#isOpen ? this.#bulk.shift() : undefined;
    if (next === undefined) return;
    this.#bulkBytes -= next.length;
    this.#write(next);
  }

  #write(encoded: Uint8Array): void {
    this.#queuedBytes += encoded.length;
    this.#pipe.write(encoded, () => this.#written(encoded.length));
  }

  /** Ends the stream from this side, after `last` if there is one. */
  close(last: WireFrame | null = null): void {
    if (!this.#isOpen) return;
    if (last !== null) this.send(last);
    this.#isOpen = false;
    const cut = (): void => this.#pipe.cut();
    const cancel = this.#clock.at(this.#clock.nowMs() + FAREWELL_MS, cut);
    this.#pipe.end(() => {
      cancel();
      cut();
    });
  }

  /**
   * The peer's pong waits behind the bulk that our ping waited behind. But where bytes leave only as far as the peer's window
   * allows, two windows' worth of them prove that it was reading all the while.
   */
  #written(size: number): void {
    this.#queuedBytes -= size;
    this.#writtenBytes += size;
    const { windowBytes } = this.#pipe;
    if (windowBytes !== null && this.#writtenBytes >= 2 * windowBytes) this.#heard();
    this.#writeBulk();
  }

  #spoken(): void {
    this.#hasHeard = true;
    this.#heard();
  }

  #heard(): void {
    this.lastHeardMs = this.#clock.nowMs();
    this.#writtenBytes = 0;
  }

  #receive(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#spoken();
    let frame: WireFrame;
    try {
      frame = decodeFrame(bytes, this.#ends);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#ended(`reset: the peer sent ${error.message}`, 'lost');
      return;
    }
    this.handlers.onFrame(frame);
  }

  #ended(reason: string, cause: EndCause): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#pipe.cut();
    this.handlers.onEnd(reason, cause);
  }
}
