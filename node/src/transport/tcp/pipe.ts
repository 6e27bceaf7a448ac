import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { PING_INTERVAL_MS } from '../peer/liveness.ts';
import { causeOf } from '../peer/end-cause.ts';
import { withoutThread } from '../peer/tls.ts';
import type { EndCause, Pipe, PipeHandlers } from '../peer/wire.ts';
import { FrameReader, FramingError, GOODBYE, LENGTH_BYTES, lengthOf, PREAMBLE, READING } from './framing.ts';

/**
 * A reader that has written nothing for so long while bytes came says that it reads. Pongs answer the pings of an idle
 * connection as often as this, so it is said only while they wait behind bulk; and it is a fifth of the silence that
 * ends a connection (liveness.ts), whatever the kernels on the way can hold.
 */
const SAY_READING_AFTER_MS = PING_INTERVAL_MS;

/** Frames up to this size are copied behind their length: one piece costs less than two. */
const MAX_COPIED_BYTES = 16 * 1024;

/** One TCP or TLS connection, either end of it: the preamble, then each frame behind its length. */
export class TcpPipe implements Pipe {
  /** Kernels keep megabytes that no peer has read, so bytes that left say nothing; the peer itself does (READING). */
  readonly windowBytes = null;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #reader: FrameReader;
  #handlers: PipeHandlers | null = null;
  #lastWriteMs: number;
  #isCorked = false;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#lastWriteMs = clock.nowMs();
    this.#reader = new FrameReader({
      onFrame: (bytes) => this.#handlers?.onFrame(bytes),
      onGoodbye: () => this.#end('closed: the peer ended the stream', 'lost'),
    });
  }

  open(handlers: PipeHandlers): void {
    this.#handlers = handlers;
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.#end('reset: the connection was lost', 'lost'));
    socket.on('error', (error) => {
      const reason = readable(error);
      this.#end(`reset: ${reason}`, causeOf(reason));
    });
    socket.on('close', () => this.#end('reset: the connection was lost', 'lost'));
    this.#write([PREAMBLE]);
  }

  write(frame: Uint8Array, written: () => void): void {
    if (frame.length > MAX_COPIED_BYTES) {
      this.#write([lengthOf(frame.length), frame], written);
      return;
    }
    const whole = Buffer.allocUnsafe(LENGTH_BYTES + frame.length);
    whole.writeUInt32BE(frame.length);
    whole.set(frame, LENGTH_BYTES);
    this.#write([whole], written);
  }

  trust(): void {
    this.#reader.trust();
  }

  end(ended: () => void): void {
    this.#socket.once('close', ended);
    this.#write([lengthOf(GOODBYE)]);
    // Our half only: what the peer still sends is read and ignored, since a reset could overtake our last frame.
    this.#socket.end();
  }

  cut(): void {
    this.#reader.stop();
    this.#socket.destroy();
  }

  /** What is written in one turn of the event loop leaves in one system call. */
  #write(parts: readonly Uint8Array[], written?: () => void): void {
    if (!this.#socket.writable) return;
    this.#lastWriteMs = this.#clock.nowMs();
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    for (const [index, part] of parts.entries()) {
      if (index < parts.length - 1) this.#socket.write(part);
      else this.#socket.write(part, () => written?.());
    }
  }

  #received(chunk: Buffer): void {
    this.#handlers?.onProgress();
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      // Our preamble may still wait for the end of this turn, and it is how the peer learns of another version.
      this.#socket.uncork();
      const reason = error.isOtherVersion ? error.message : `reset: the peer sent ${error.message}`;
      this.#end(reason, error.isOtherVersion ? 'version' : 'lost');
      return;
    }
    const isMoreThanASign = chunk.length > LENGTH_BYTES;
    if (isMoreThanASign && this.#clock.nowMs() - this.#lastWriteMs >= SAY_READING_AFTER_MS) {
      this.#write([lengthOf(READING)]);
    }
  }

  #end(reason: string, cause: EndCause): void {
    this.#reader.stop();
    this.#handlers?.onEnd(reason, cause);
  }
}

/** A host name with several addresses fails with an error for each, and no message of its own. */
function readable(error: Error): string {
  const errors = error instanceof AggregateError ? (error.errors as Error[]) : [error];
  return errors.map(({ message }) => withoutThread(message)).join('; ');
}
