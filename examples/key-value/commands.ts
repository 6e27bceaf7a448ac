import type { ErrorCode } from 'tutti/consensus';

/** What clients may ask. Writes go through the log, reads do not. */
export type Command = Write | Read;

export type Write = WriteBody & {
  /** Chosen by the client, unique to this write: the same one again is the same write, and gets the first one's answer. */
  readonly requestId: string | null;
};

type WriteBody =
  | { readonly op: 'set'; readonly key: string; readonly value: string }
  /** Sets `value` if the key holds `expected`; null: if there is no such key. */
  | { readonly op: 'compareAndSet'; readonly key: string; readonly expected: string | null; readonly value: string }
  | { readonly op: 'addToSet'; readonly set: string; readonly member: string };

export type Read = { readonly op: 'get'; readonly key: string } | { readonly op: 'members'; readonly set: string };

/** `index` is the place in the log, of a read the one it was answered at: of two answers, a higher index was given later. */
export type Answer =
  | { readonly kind: 'written'; readonly index: number }
  /** Nothing was written: the key did not hold what was expected, the member was in the set, or the store is full. */
  | { readonly kind: 'unchanged'; readonly index: number; readonly because: 'mismatch' | 'present' | 'full' }
  | { readonly kind: 'value'; readonly index: number; readonly value: string | null }
  | { readonly kind: 'members'; readonly index: number; readonly members: readonly string[] };

/** As in most key-value stores a name is short; with them a full store stays within a small multiple of its bound. */
export const maxNameBytes = 256;
/** Two values of a compare-and-set, however JSON escapes them, stay below the 4 MiB of one proposal. */
export const maxValueBytes = 64 * 1024;

/** Why the command cannot be accepted, or null. Asked before it is proposed: in the log it is too late to refuse. */
export function problemOf(command: Command): string | null {
  if (command.op === 'get') return nameProblem('key', command.key);
  if (command.op === 'members') return nameProblem('set', command.set);
  if (command.requestId !== null) {
    const problem = nameProblem('request id', command.requestId);
    if (problem !== null) return problem;
  }
  if (command.op === 'addToSet') return nameProblem('set', command.set) ?? nameProblem('member', command.member);
  const expected = command.op === 'compareAndSet' ? (command.expected ?? '') : '';
  return nameProblem('key', command.key) ?? valueProblem('value', command.value) ?? valueProblem('expected', expected);
}

export const isWrite = (command: Command): command is Write => 'requestId' in command;

/** What the leader says of a command: its answer, or that (and why) it was refused, or that nobody knows. */
export type Outcome =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

// Commands cross the log and outcomes the wire between members; both were made by this very program.
export const encode = (value: Write | Outcome): Uint8Array => Buffer.from(JSON.stringify(value));
export const decodeWrite = (bytes: Uint8Array): Write => JSON.parse(Buffer.from(bytes).toString()) as Write;
export const decodeOutcome = (bytes: Uint8Array): Outcome => JSON.parse(Buffer.from(bytes).toString()) as Outcome;

function nameProblem(what: string, name: string): string | null {
  const bytes = Buffer.byteLength(name);
  return bytes >= 1 && bytes <= maxNameBytes ? null : `a ${what} has 1 to ${maxNameBytes} bytes, not ${bytes}`;
}

function valueProblem(what: string, value: string): string | null {
  const bytes = Buffer.byteLength(value);
  return bytes <= maxValueBytes ? null : `${what}: ${bytes} bytes, at most ${maxValueBytes}`;
}
