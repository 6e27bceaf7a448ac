import type { Answer } from '../../../examples/key-value/commands.ts';
import type { Call, End, ObjectKind, Operation } from '../../linearizability/history.ts';

const index = 1;
export const written: Answer = { kind: 'written', index };
export const mismatch: Answer = { kind: 'unchanged', index, because: 'mismatch' };
export const present: Answer = { kind: 'unchanged', index, because: 'present' };
export const holds = (value: string | null): Answer => ({ kind: 'value', index, value });
export const contains = (...members: string[]): Answer => ({ kind: 'members', index, members });

/** What a client saw: from, to and the answer; `unknown` and `refused` have no end. */
type Seen =
  readonly [callNs: number, returnNs: number, answer: Answer] | readonly [callNs: number, end: 'unknown' | 'refused'];

function operation(kind: ObjectKind, client: number, call: Call, seen: Seen): Operation {
  const [callNs, second, answer] = seen;
  const end: End =
    typeof second === 'string' ? { outcome: second } : { outcome: 'ok', returnNs: second, answer: answer };
  return { client, key: kind, kind, call, callNs, end };
}

/** A history of one register, written down line by line: who, what, from when to when, with what answer. */
export const register = (...lines: readonly (readonly [client: number, call: Call, ...Seen])[]): Operation[] =>
  lines.map(([client, call, ...seen]) => operation('register', client, call, seen));

/** The same of a set. */
export const set = (...lines: readonly (readonly [client: number, call: Call, ...Seen])[]): Operation[] =>
  lines.map(([client, call, ...seen]) => operation('set', client, call, seen));

export const read: Call = { op: 'read' };
export const write = (value: string): Call => ({ op: 'write', value });
export const add = (value: string): Call => ({ op: 'add', value });
export const swap = (expected: string | null, value: string): Call => ({ op: 'compareAndSet', expected, value });
