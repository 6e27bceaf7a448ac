/** What the headers of a response say about where its body ends (RFC 9112 6.3). */
export class Framing {
  status = 0;
  /** -1: not stated. */
  contentLength = -1;
  chunked = false;
  /** A Transfer-Encoding that does not end in chunked: the body ends with the connection. */
  otherEncoding = false;
  http10 = false;
  connectionClose = false;
  connectionKeepAlive = false;

  reset(): void {
    this.status = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.otherEncoding = false;
    this.http10 = false;
    this.connectionClose = false;
    this.connectionKeepAlive = false;
  }

  /** Whether the connection may carry another request, the body itself left aside. */
  get persistent(): boolean {
    // Both framings at once smell of smuggling: use the answer, not the connection (RFC 9112 6.1).
    if (this.chunked && this.contentLength !== -1) return false;
    return this.http10 ? this.connectionKeepAlive && !this.connectionClose : !this.connectionClose;
  }

  /** `HTTP/1.x SSS[ reason]`. Null, or what is wrong. */
  statusLine(bytes: Uint8Array, start: number, end: number): string | null {
    for (let at = 0; at < version.length; at++) if (bytes[start + at] !== version[at]) return 'no HTTP/1 status line';
    const minor = bytes[start + 7]! - zero;
    const [a, b, c] = [bytes[start + 9]! - zero, bytes[start + 10]! - zero, bytes[start + 11]! - zero];
    const endsWell = end === start + 12 || (end > start + 12 && bytes[start + 12] === space);
    const digits = isDigit(minor) && isDigit(a) && isDigit(b) && isDigit(c) && a > 0;
    if (!digits || !endsWell || bytes[start + 8] !== space) return 'the status line is malformed';
    this.http10 = minor === 0;
    this.status = a * 100 + b * 10 + c;
    return null;
  }

  /** One header whose name ends at `colon`. Null, or what is wrong. */
  header(bytes: Uint8Array, start: number, colon: number, end: number): string | null {
    switch (colon - start) {
      case 10:
        if (named(bytes, start, connection)) this.#connection(valueOf(bytes, colon, end));
        return null;
      case 14:
        return named(bytes, start, contentLength) ? this.#length(valueOf(bytes, colon, end)) : null;
      case 17:
        if (named(bytes, start, transferEncoding)) this.#encoding(valueOf(bytes, colon, end));
        return null;
      default:
        return null;
    }
  }

  #connection(value: string): void {
    for (const token of value.toLowerCase().split(',')) {
      if (token.trim() === 'close') this.connectionClose = true;
      else if (token.trim() === 'keep-alive') this.connectionKeepAlive = true;
    }
  }

  #length(value: string): string | null {
    const length = /^\d+$/.test(value) ? Number(value) : NaN;
    if (!Number.isSafeInteger(length)) return 'Content-Length is not a number';
    if (this.contentLength !== -1 && this.contentLength !== length) return 'two Content-Lengths contradict each other';
    this.contentLength = length;
    return null;
  }

  #encoding(value: string): void {
    this.chunked = value.toLowerCase().split(',').at(-1)!.trim() === 'chunked';
    this.otherEncoding = !this.chunked;
  }
}

const lower = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const version = lower('HTTP/1.');
const connection = lower('connection');
const contentLength = lower('content-length');
const transferEncoding = lower('transfer-encoding');
const zero = 0x30;
const space = 0x20;

const isDigit = (value: number): boolean => value >= 0 && value <= 9;

function named(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let at = 0; at < name.length; at++) if ((bytes[start + at]! | 0x20) !== name[at]) return false;
  return true;
}

function valueOf(bytes: Uint8Array, colon: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + colon + 1, end - colon - 1)
    .toString('latin1')
    .trim();
}
