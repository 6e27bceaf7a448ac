import { invariant } from '../../lib/invariant.ts';

/** How a result is kept in a snapshot, for the client that repeats its command: `decode` gives back what `encode` was given. */
export interface ResultForm<Result> {
  encode(result: Result): Uint8Array;
  decode(bytes: Uint8Array): Result;
}

export interface KeptSession<Result> {
  readonly id: number;
  readonly firstPending: number;
  readonly replies: Iterable<readonly [sequence: number, result: Result]>;
}

/** Numbers of 8 bytes, big-endian. Per session: id, first pending, number of replies; per reply: sequence, length, the bytes. */
export function encodeSessions<Result>(sessions: Iterable<KeptSession<Result>>, form: ResultForm<Result>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { id, firstPending, replies } of sessions) {
    const kept = [...replies];
    parts.push(numbers(id, firstPending, kept.length));
    for (const [sequence, result] of kept) {
      const bytes = form.encode(result);
      parts.push(numbers(sequence, bytes.byteLength), bytes);
    }
  }
  return Buffer.concat(parts);
}

export function decodeSessions<Result>(bytes: Uint8Array, form: ResultForm<Result>): KeptSession<Result>[] {
  const reader = new Reader(bytes);
  const sessions: KeptSession<Result>[] = [];
  while (reader.hasMore) {
    const [id, firstPending, count] = [reader.number(), reader.number(), reader.number()];
    const replies: [number, Result][] = [];
    for (let at = 0; at < count; at += 1) {
      const sequence = reader.number();
      replies.push([sequence, form.decode(reader.bytes(reader.number()))]);
    }
    sessions.push({ id, firstPending, replies });
  }
  return sessions;
}

export function numbers(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [at, value] of values.entries()) bytes.writeBigUInt64BE(BigInt(value), 8 * at);
  return bytes;
}

export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.byteLength;
  }

  number(): number {
    return Number(Buffer.from(this.bytes(8)).readBigUInt64BE());
  }

  /** A part of what is read, not a copy. */
  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    invariant(end <= this.#bytes.byteLength, 'the snapshot ends within the table of sessions: it was not made by one');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.byteLength - this.#at);
  }
}
