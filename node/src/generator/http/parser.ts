import { Framing } from './framing.ts';
import { httpLimits } from './limits.ts';

/** What of a response its reader wants beyond the status; the rest is parsed and dropped. */
export interface ResponseWishes {
  /** Answers to HEAD have no body, whatever their headers say. */
  readonly isHead: boolean;
  readonly keepBody: boolean;
  readonly keepHeaders: boolean;
}

const [statusLine, headerLine, fixedBody, chunkSize, chunkData, chunkEnd, trailerLine, untilClose, done, broken] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
] as const;
type State = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/**
 * Incremental parser of HTTP/1.1 responses (RFC 9112), one per connection and reused. Bytes may come split anywhere. Lines may
 * end in a bare LF; folded header lines continue the value before (they can hold nothing that frames the message).
 */
export class ResponseParser {
  readonly framing = new Framing();
  /** What broke the protocol, once `push` has returned -1. */
  fault = '';
  /** The body went beyond `httpLimits.keptBodyBytes`. */
  truncated = false;
  #state: State = done;
  #wishes: ResponseWishes = { isHead: false, keepBody: false, keepHeaders: false };
  /** Bytes left of the body or the chunk. */
  #left = 0;
  #headBytes = 0;
  #partial: Buffer | null = null;
  #partialLength = 0;
  #headerNames: Set<string> | null = null;
  #kept: Buffer = noBytes;
  #keptBytes = 0;

  /** Ready for the next response on the connection. */
  begin(wishes: ResponseWishes): void {
    this.#wishes = wishes;
    this.#state = statusLine;
    this.#headBytes = 0;
    this.#partialLength = 0;
    this.framing.reset();
    if (wishes.keepHeaders) this.#headerNames = new Set();
    if (this.#kept.length > reusableBytes) this.#kept = noBytes;
    this.#keptBytes = 0;
    this.truncated = false;
  }

  get isDone(): boolean {
    return this.#state === done;
  }

  get status(): number {
    return this.framing.status;
  }

  /** Whether the header was there; `name` in lower case. Only after `keepHeaders`. */
  hasHeader(name: string): boolean {
    return this.#headerNames?.has(name) ?? false;
  }

  /** The kept body as UTF-8; bytes that are not become U+FFFD. Only after `keepBody`. */
  bodyText(): string {
    return this.#kept.toString('utf8', 0, this.#keptBytes);
  }

  /**
   * Takes bytes[start..end). Returns where it stopped: `end`, or the first byte behind the response when it is complete
   * (`isDone`), or -1 when this is not HTTP (`fault`).
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state < done) {
      at = this.#isLine() ? this.#takeLine(bytes, at, end) : this.#takeBody(bytes, at, end);
      if (at === -1) this.#state = broken;
    }
    return at;
  }

  /** The connection has ended. True when that ends the response well. */
  finish(): boolean {
    if (this.#state === untilClose) this.#state = done;
    return this.#state === done;
  }

  #isLine(): boolean {
    const state = this.#state;
    return state <= headerLine || state === chunkSize || state === chunkEnd || state === trailerLine;
  }

  #takeLine(bytes: Uint8Array, start: number, end: number): number {
    let lineFeed = start;
    while (lineFeed < end && bytes[lineFeed] !== 0x0a) lineFeed++;
    this.#headBytes += lineFeed - start + 1;
    if (this.#headBytes > httpLimits.headBytes) return this.#break('the head of the response is too long');
    if (lineFeed === end) return this.#keepPartial(bytes, start, end);
    let lineStart = start;
    let lineEnd = lineFeed;
    let line = bytes;
    if (this.#partialLength > 0) {
      this.#keepPartial(bytes, start, lineFeed);
      line = this.#partial!;
      lineStart = 0;
      lineEnd = this.#partialLength;
      this.#partialLength = 0;
    }
    if (lineEnd > lineStart && line[lineEnd - 1] === 0x0d) lineEnd--;
    const fault = this.#line(line, lineStart, lineEnd);
    return fault === null ? lineFeed + 1 : this.#break(fault);
  }

  #keepPartial(bytes: Uint8Array, start: number, end: number): number {
    const length = this.#partialLength + end - start;
    if (this.#partial === null || this.#partial.length < length) {
      const larger = Buffer.allocUnsafe(Math.max(256, 2 * length));
      if (this.#partial !== null) larger.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = larger;
    }
    this.#partial.set(bytes.subarray(start, end), this.#partialLength);
    this.#partialLength = length;
    return end;
  }

  #line(line: Uint8Array, start: number, end: number): string | null {
    switch (this.#state) {
      case statusLine:
        this.#state = headerLine;
        return this.framing.statusLine(line, start, end);
      case headerLine:
        return start === end ? this.#endOfHead() : this.#header(line, start, end);
      case chunkSize:
        return this.#chunkSize(line, start, end);
      case chunkEnd:
        this.#state = chunkSize;
        return start === end ? null : 'a chunk is longer than its size';
      case trailerLine:
        if (start === end) this.#state = done;
        return null;
      case fixedBody:
      case chunkData:
      case untilClose:
      case done:
      case broken:
        return 'no line belongs here';
    }
  }

  #header(line: Uint8Array, start: number, end: number): string | null {
    if (line[start] === 0x20 || line[start] === 0x09) return null;
    let colon = start;
    while (colon < end && isNameByte[line[colon]!] === 1) colon++;
    if (colon === start || colon === end || line[colon] !== 0x3a) return 'a header line is malformed';
    if (this.#wishes.keepHeaders) {
      this.#headerNames!.add(Buffer.from(line.subarray(start, colon)).toString('latin1').toLowerCase());
    }
    return this.framing.header(line, start, colon, end);
  }

  #endOfHead(): string | null {
    const { framing } = this;
    const { status } = framing;
    if (status === 101) return 'the target switched protocols unasked';
    if (status < 200) {
      framing.reset();
      this.#headerNames?.clear();
      this.#state = statusLine;
    } else if (this.#wishes.isHead || status === 204 || status === 304) this.#state = done;
    else if (framing.chunked) this.#state = chunkSize;
    else if (framing.otherEncoding || framing.contentLength === -1) this.#state = untilClose;
    else {
      this.#left = framing.contentLength;
      this.#state = this.#left === 0 ? done : fixedBody;
    }
    return null;
  }

  /** Size in hexadecimal, then perhaps extensions, which mean nothing to us (RFC 9112 7.1.1). */
  #chunkSize(line: Uint8Array, start: number, end: number): string | null {
    // Framing lines of a long body must not add up to the limit of the head.
    this.#headBytes = 0;
    let size = 0;
    let at = start;
    for (; at < end; at++) {
      const digit = hexDigit[line[at]!]!;
      if (digit === notHex) break;
      size = size * 16 + digit;
      if (size > Number.MAX_SAFE_INTEGER) return 'a chunk size is too large';
    }
    const after = at < end ? line[at] : 0x3b;
    if (at === start || (after !== 0x3b && after !== 0x20 && after !== 0x09)) return 'a chunk size is malformed';
    this.#left = size;
    this.#state = size === 0 ? trailerLine : chunkData;
    return null;
  }

  #takeBody(bytes: Uint8Array, start: number, end: number): number {
    const stop = this.#state === untilClose ? end : Math.min(end, start + this.#left);
    if (this.#wishes.keepBody) this.#keepBody(bytes, start, stop);
    if (this.#state === untilClose) return stop;
    this.#left -= stop - start;
    if (this.#left === 0) {
      this.#state = this.#state === chunkData ? chunkEnd : done;
      this.#headBytes = 0;
    }
    return stop;
  }

  #keepBody(bytes: Uint8Array, start: number, end: number): void {
    const room = httpLimits.keptBodyBytes - this.#keptBytes;
    if (end - start > room) this.truncated = true;
    const taken = Math.min(end - start, room);
    if (taken <= 0) return;
    if (this.#kept.length < this.#keptBytes + taken) {
      const larger = Buffer.allocUnsafe(Math.max(1024, 2 * (this.#keptBytes + taken)));
      larger.set(this.#kept.subarray(0, this.#keptBytes));
      this.#kept = larger;
    }
    this.#kept.set(bytes.subarray(start, start + taken), this.#keptBytes);
    this.#keptBytes += taken;
  }

  #break(fault: string): -1 {
    this.fault = fault;
    return -1;
  }
}

const noBytes = Buffer.alloc(0);
/** A connection keeps its body buffer for the next answer up to this size; thousands of connections share the memory. */
const reusableBytes = 16 * 1024;

/** RFC 9110 5.6.2, token. A blank before the colon would hide a header from one reader and show it to another: malformed. */
const isNameByte = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
const notHex = 255;
const hexDigit = Uint8Array.from({ length: 256 }, (_, byte) => {
  const text = String.fromCharCode(byte);
  return /[0-9a-fA-F]/.test(text) ? parseInt(text, 16) : notHex;
});
