import type { Call, FaultRecord, ObjectKind, Operation } from './history.ts';
import { settled } from './settle.ts';

/** An operation as the checker in Go reads it (checker/operations.go). */
export interface CheckedOperation {
  readonly client: number;
  readonly op: Call['op'];
  readonly value: string;
  readonly expected: string | null;
  readonly callNs: number;
  /** Null: nobody knows the outcome, so it stays open until the end of the history. */
  readonly returnNs: number | null;
  /** Of a known write: whether it changed the object. */
  readonly changed: boolean;
  readonly read: string | null;
  readonly members: readonly string[] | null;
}

export interface CheckerInput {
  readonly keys: readonly {
    readonly name: string;
    readonly kind: ObjectKind;
    readonly operations: readonly CheckedOperation[];
  }[];
  readonly faults: readonly FaultRecord[];
}

/**
 * The history as porcupine needs it, with intervals as short as it proves them. What certainly did not happen is left out, and
 * so is a read whose answer nobody got. A write of unknown outcome stays: it is no failure, and a later read may see it.
 */
export function checkerInput(operations: readonly Operation[], faults: readonly FaultRecord[]): CheckerInput {
  const { keys } = unsettledInput(operations, faults);
  const settledKeys = keys.map((key) => ({ ...key, operations: settled(key.kind, key.operations) }));
  return { keys: settledKeys, faults };
}

/** The same with the intervals as the clients saw them. */
export function unsettledInput(operations: readonly Operation[], faults: readonly FaultRecord[]): CheckerInput {
  const keys = new Map<string, { kind: ObjectKind; operations: CheckedOperation[] }>();
  for (const operation of operations) {
    const { key, kind, call, end } = operation;
    if (end.outcome === 'refused' || (end.outcome === 'unknown' && call.op === 'read')) continue;
    const of = keys.get(key) ?? { kind, operations: [] };
    if (of.kind !== kind) throw new Error(`"${key}" is used as a ${of.kind} and as a ${kind}`);
    of.operations.push(checked(operation));
    keys.set(key, of);
  }
  return { keys: [...keys].map(([name, of]) => ({ name, ...of })), faults };
}

function checked({ client, key, kind, call, callNs, end }: Operation): CheckedOperation {
  const value = call.op === 'read' ? '' : call.value;
  const expected = call.op === 'compareAndSet' ? call.expected : null;
  const known = { client, op: call.op, value, expected, callNs };
  const nothing = { changed: false, read: null, members: null };
  if (end.outcome !== 'ok') return { ...known, returnNs: null, ...nothing };
  const { answer, returnNs } = end;
  const what = `${call.op} of the ${kind} "${key}"`;
  // With a bound reached or a wrong kind of answer the history would say less than it seems to.
  if (answer.kind === 'unchanged' && answer.because === 'full') throw new Error(`${what}: the store is full`);
  const expectedKinds = call.op !== 'read' ? ['written', 'unchanged'] : [kind === 'register' ? 'value' : 'members'];
  if (!expectedKinds.includes(answer.kind)) throw new Error(`${what} was answered with ${JSON.stringify(answer)}`);
  return {
    ...known,
    returnNs,
    changed: answer.kind === 'written',
    read: answer.kind === 'value' ? answer.value : null,
    members: answer.kind === 'members' ? answer.members : null,
  };
}
