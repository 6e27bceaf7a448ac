import { describe, expect, it } from 'vitest';
import { checkerInput } from '../../linearizability/checker-input.ts';
import type { CheckedOperation } from '../../linearizability/checker-input.ts';
import type { Operation } from '../../linearizability/history.ts';
import { add, contains, holds, mismatch, present, read, register, set, swap, write, written } from './history.ts';

const converted = (operations: readonly Operation[]): readonly CheckedOperation[] =>
  checkerInput(operations, []).keys[0]?.operations ?? [];
const spans = (operations: readonly Operation[]): unknown[] =>
  converted(operations).map(({ op, value, callNs, returnNs }) => [op, value, callNs, returnNs]);

describe('from our history to the checker’s input', () => {
  it('each object has its own operations, and each kind of answer becomes what the model compares', () => {
    const operations = [
      ...register(
        [0, write('x'), 1, 2, written],
        [1, swap('x', 'y'), 3, 4, written],
        [1, swap('x', 'z'), 5, 6, mismatch],
      ),
      ...set([2, add('m'), 1, 2, written], [2, add('m'), 3, 4, present], [3, read, 5, 6, contains('m')]),
      ...register([0, read, 7, 8, holds('y')]),
    ];
    const faults = [{ kind: 'kill', what: 'SIGKILL of a', startNs: 1, endNs: 2 }];
    const input = checkerInput(operations, faults);
    expect(input.faults).toEqual(faults);
    expect(input.keys.map(({ name, kind }) => [name, kind])).toEqual([
      ['register', 'register'],
      ['set', 'set'],
    ]);
    const [ofRegister, ofSet] = input.keys.map(({ operations: of }) =>
      of.map(({ op, value, expected, changed, read: seen, members }) => ({
        op,
        value,
        expected,
        changed,
        seen,
        members,
      })),
    );
    const nothing = { expected: null, changed: false, seen: null, members: null };
    expect(ofRegister).toEqual([
      { ...nothing, op: 'write', value: 'x', changed: true },
      { ...nothing, op: 'compareAndSet', value: 'y', expected: 'x', changed: true },
      { ...nothing, op: 'compareAndSet', value: 'z', expected: 'x' },
      { ...nothing, op: 'read', value: '', seen: 'y' },
    ]);
    expect(ofSet).toEqual([
      { ...nothing, op: 'add', value: 'm', changed: true },
      { ...nothing, op: 'add', value: 'm' },
      { ...nothing, op: 'read', value: '', members: ['m'] },
    ]);
  });

  it('what certainly did not happen, and a read whose answer nobody got, is left out', () => {
    expect(
      converted(register([0, write('x'), 1, 'refused'], [0, read, 2, 'unknown'], [0, read, 3, 'refused'])),
    ).toEqual([]);
  });

  it('a write of unknown outcome stays, and stays open', () => {
    expect(spans(register([0, write('x'), 1, 'unknown']))).toEqual([['write', 'x', 1, null]]);
    expect(spans(register([0, swap(null, 'x'), 1, 'unknown']))).toEqual([['compareAndSet', 'x', 1, null]]);
  });

  it('one whose value was seen took effect before whoever saw it first had returned', () => {
    const history = register(
      [0, write('x'), 1, 'unknown'],
      [1, read, 8, 9, holds('x')],
      [2, swap('x', 'y'), 4, 6, written],
      [3, swap('x', 'z'), 2, 5, mismatch],
    );
    expect(converted(history)[0]).toMatchObject({ callNs: 1, returnNs: 6, changed: true });
  });

  it('one whose value was seen before it was written is left to the checker', () => {
    expect(spans(register([0, read, 1, 2, holds('x')], [1, write('x'), 3, 'unknown']))[1]).toEqual([
      'write',
      'x',
      3,
      null,
    ]);
  });

  it('an addition took effect after the reads without it had begun, and before the first with it had ended', () => {
    const history = set(
      [0, add('m'), 1, 'unknown'],
      [1, add('n'), 1, 20, written],
      [2, read, 4, 5, contains()],
      [2, read, 6, 7, contains('n')],
      [2, read, 8, 9, contains('m', 'n')],
    );
    expect(spans(history).slice(0, 2)).toEqual([
      ['add', 'm', 7, 9],
      ['add', 'n', 5, 20],
    ]);
  });

  it('an addition of unknown outcome that nobody saw is left out, unless another added the same', () => {
    expect(spans(set([0, add('m'), 1, 'unknown'], [1, read, 2, 3, contains()]))).toEqual([['read', '', 2, 3]]);
    const twice = set([0, add('m'), 1, 'unknown'], [0, add('m'), 4, 5, present], [1, read, 2, 3, contains()]);
    expect(spans(twice)[0]).toEqual(['add', 'm', 1, null]);
  });

  it('a contradiction is left as it is', () => {
    const vanished = set([0, add('m'), 1, 2, written], [1, read, 3, 4, contains()]);
    expect(spans(vanished)[0]).toEqual(['add', 'm', 1, 2]);
  });

  it('answers that no object of its kind gives, and a full store, are errors and not part of a history', () => {
    expect(() => converted(register([0, read, 1, 2, contains('m')]))).toThrow('read of the register "register"');
    expect(() => converted(set([0, read, 1, 2, holds('m')]))).toThrow('was answered with');
    expect(() => converted(register([0, write('x'), 1, 2, holds('x')]))).toThrow('was answered with');
    const full = { kind: 'unchanged', index: 1, because: 'full' } as const;
    expect(() => converted(register([0, write('x'), 1, 2, full]))).toThrow('the store is full');
    const both = [
      ...register([0, read, 1, 2, holds(null)]),
      { ...set([0, read, 1, 2, contains()])[0]!, key: 'register' },
    ];
    expect(() => converted(both)).toThrow('as a register and as a set');
  });
});
