import { MAX_FRAME_BYTES } from '../peer/wire.ts';

/** Raised when the bytes around the frames change; what the frames say has a version of its own, in the handshake. */
const FRAMING_VERSION = 1;

/** No text protocol and neither TLS nor HTTP/2 begins with this byte, so one byte tells our connections from theirs. */
export const FIRST_BYTE = 0xf5;

const NAME = Buffer.from([FIRST_BYTE, ...Buffer.from('tutti')]);

/** What either side says first: the name, then two bytes of version, so that any mismatch is named and not guessed. */
export const PREAMBLE = Buffer.concat([NAME, Buffer.from([0, FRAMING_VERSION])]);

/** Bytes of the length before each frame, big-endian. */
export const LENGTH_BYTES = 4;

/** In the place of a length: the sender closes on purpose. No frame is empty, and without it an end is a reset. */
export const GOODBYE = 0;

/** In the place of a length: the sender is reading, and its pongs wait behind what it has read so far (pipe.ts). */
export const READING = 0xffff_ffff;

/**
 * Largest frame of a peer that has not proven who it is, in bytes. The longest frame of a handshake is under 10 KiB; with
 * the bound on such connections (listener.ts) strangers cost 4 MiB at most.
 */
const MAX_UNPROVEN_FRAME_BYTES = 64 * 1024;

export function lengthOf(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Bytes that break the framing. What follows them on the connection means nothing any more. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
  /** The peer is a node, but its framing has another version. */
  readonly isOtherVersion: boolean;

  constructor(message: string, isOtherVersion = false) {
    super(message);
    this.isOtherVersion = isOtherVersion;
  }
}

export interface FrameReaderHandlers {
  onFrame(bytes: Uint8Array): void;
  onGoodbye(): void;
}

/** Cuts a connection's bytes into frames. Pure: it keeps what has come of one frame, never room for what was announced. */
export class FrameReader {
  readonly #handlers: FrameReaderHandlers;
  #maxFrameBytes = MAX_UNPROVEN_FRAME_BYTES;
  #hasPreamble = false;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Of what is being read: preamble, length or frame. */
  #wanted = PREAMBLE.length;
  #isInFrame = false;
  #isOver = false;

  constructor(handlers: FrameReaderHandlers) {
    this.#handlers = handlers;
  }

  /** From now on frames up to MAX_FRAME_BYTES may come. */
  trust(): void {
    this.#maxFrameBytes = MAX_FRAME_BYTES;
  }

  /** Nothing of what is still to come is read. */
  stop(): void {
    this.#isOver = true;
    this.#chunks = [];
  }

  /** Throws a FramingError; no more may be pushed after one. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (!this.#isOver && this.#bytes + rest.length >= this.#wanted) {
      const missing = this.#wanted - this.#bytes;
      const part = rest.subarray(0, missing);
      const whole = this.#bytes === 0 ? part : Buffer.concat([...this.#chunks, part], this.#wanted);
      rest = rest.subarray(missing);
      this.#chunks = [];
      this.#bytes = 0;
      this.#take(whole);
    }
    if (this.#isOver || rest.length === 0) return;
    this.#chunks.push(rest);
    this.#bytes += rest.length;
  }

  #take(whole: Buffer): void {
    if (!this.#hasPreamble) this.#takePreamble(whole);
    else if (this.#isInFrame) {
      this.#expect(LENGTH_BYTES, false);
      this.#handlers.onFrame(whole);
    } else this.#takeLength(whole.readUInt32BE());
  }

  #takePreamble(preamble: Buffer): void {
    if (!preamble.subarray(0, NAME.length).equals(NAME)) throw new FramingError('bytes that are not of this protocol');
    const version = preamble.readUInt16BE(NAME.length);
    if (version !== FRAMING_VERSION) {
      const sentence = `speaks version ${version} of the TCP transport's framing, this node version ${FRAMING_VERSION}`;
      throw new FramingError(sentence, true);
    }
    this.#hasPreamble = true;
    this.#expect(LENGTH_BYTES, false);
  }

  #takeLength(length: number): void {
    if (length === READING) return;
    if (length === GOODBYE) {
      this.#handlers.onGoodbye();
      return;
    }
    if (length > this.#maxFrameBytes) {
      throw new FramingError(`a frame of ${length} bytes, where ${this.#maxFrameBytes} are the most`);
    }
    this.#expect(length, true);
  }

  #expect(bytes: number, isInFrame: boolean): void {
    this.#wanted = bytes;
    this.#isInFrame = isInFrame;
  }
}
