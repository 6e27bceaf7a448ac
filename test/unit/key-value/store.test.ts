import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer, Command } from '../../../examples/key-value/commands.ts';
import { encode, isWrite, maxNameBytes, maxValueBytes, problemOf } from '../../../examples/key-value/commands.ts';
import { KeyValueStore, maxRememberedRequests } from '../../../examples/key-value/store.ts';

/** The state machine as the consensus drives it: commands in order, each with its index. */
class Driven {
  readonly store = new KeyValueStore();
  #index = 0;

  apply(command: Command): Answer {
    if (!isWrite(command)) return this.store.look(command);
    return this.store.apply(encode(command), { index: ++this.#index });
  }
}

const set = (key: string, value: string, requestId: string | null = null): Command => {
  return { op: 'set', key, value, requestId };
};
const swap = (expected: string | null, value: string, requestId: string | null = null): Command => {
  return { op: 'compareAndSet', key: 'k', expected, value, requestId };
};
const get: Command = { op: 'get', key: 'k' };

const name = fc.constantFrom('k', 'l', 'm', '__proto__');
const requestId = fc.option(fc.constantFrom('r1', 'r2', 'r3'));
const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ op: fc.constant('set' as const), key: name, value: fc.string({ unit: 'binary' }), requestId }),
  fc.record({
    ...{ op: fc.constant('compareAndSet' as const), key: name, expected: fc.option(fc.constantFrom('', 'v')) },
    ...{ value: fc.constantFrom('', 'v'), requestId },
  }),
  fc.record({ op: fc.constant('addToSet' as const), set: name, member: name, requestId }),
  fc.record({ op: fc.constant('get' as const), key: name }),
  fc.record({ op: fc.constant('members' as const), set: name }),
);

describe('the key-value store', () => {
  it('goes on from a snapshot of any moment as if it had applied all itself, whatever comes while it is written', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 30 }), fc.nat(), (all, cut) => {
        const writes = all.filter(isWrite);
        const [whole, other] = [new KeyValueStore(), new KeyValueStore()];
        const at = writes.length === 0 ? 0 : cut % writes.length;
        const apply = (store: KeyValueStore, from: number, to: number): Answer[] =>
          writes.slice(from, to).map((write, i) => store.apply(encode(write), { index: from + i + 1 }));
        apply(whole, 0, at);
        const pieces = whole.snapshot()[Symbol.iterator]();
        const written = [(pieces.next() as IteratorYieldResult<Uint8Array>).value];
        const answers = apply(whole, at, writes.length);
        for (let next = pieces.next(); next.done !== true; next = pieces.next()) written.push(next.value);
        other.restore(Buffer.concat(written));
        expect(apply(other, at, writes.length)).toEqual(answers);
        expect(other.digest()).toBe(whole.digest());
      }),
    );
  });

  it('gives the same answers and the same digest on every member that applies the same commands', () => {
    fc.assert(
      fc.property(fc.array(commands), (history) => {
        const [one, other] = [new Driven(), new Driven()];
        expect(history.map((command) => one.apply(command))).toEqual(history.map((command) => other.apply(command)));
        expect(one.store.digest()).toBe(other.store.digest());
      }),
    );
  });

  it('answers a read with what the last write to that key gave it', () => {
    fc.assert(
      fc.property(fc.array(commands), fc.string({ unit: 'grapheme' }), (history, value) => {
        const driven = new Driven();
        for (const command of history) driven.apply(command);
        driven.apply(set('k', value));
        expect(driven.apply(get)).toMatchObject({ kind: 'value', value });
      }),
    );
  });

  it('swaps only what was expected, and null stands for no such key', () => {
    const driven = new Driven();
    expect(driven.apply(swap('a', 'b'))).toEqual({ kind: 'unchanged', index: 1, because: 'mismatch' });
    expect(driven.apply(swap(null, ''))).toEqual({ kind: 'written', index: 2 });
    expect(driven.apply(swap(null, 'x'))).toEqual({ kind: 'unchanged', index: 3, because: 'mismatch' });
    expect(driven.apply(swap('', 'b'))).toEqual({ kind: 'written', index: 4 });
    expect(driven.apply(get)).toEqual({ kind: 'value', index: 4, value: 'b' });
  });

  it('takes a repeated request id for the same write and gives the first answer, refusals too (paper section 8)', () => {
    const driven = new Driven();
    const first = driven.apply(swap(null, 'a', 'r1'));
    driven.apply(set('k', 'b'));
    expect(driven.apply(swap(null, 'a', 'r1'))).toEqual(first);
    expect(driven.apply(get)).toMatchObject({ value: 'b' });
    const refused = driven.apply(swap('z', 'c', 'r2'));
    driven.apply(set('k', 'z'));
    expect(driven.apply(swap('z', 'c', 'r2'))).toEqual(refused);
    expect(driven.apply(get)).toMatchObject({ value: 'z' });
  });

  it('remembers as many request ids as it says, and forgets the oldest', () => {
    const driven = new Driven();
    driven.apply(swap(null, 'a', 'first'));
    for (let at = 1; at < maxRememberedRequests; at++) driven.apply(set('other', 'x', `r${at}`));
    expect(driven.apply(swap(null, 'a', 'first'))).toMatchObject({ kind: 'written' });
    driven.apply(set('other', 'x', 'one more'));
    expect(driven.apply(swap(null, 'a', 'first'))).toMatchObject({ kind: 'unchanged' });
  });

  it('is full at its bound, takes no more, and again when something was made smaller', () => {
    const driven = new Driven();
    const value = 'x'.repeat(maxValueBytes);
    let answer = driven.apply(set('0', value));
    let count = 1;
    for (; answer.kind === 'written' && count < 2_000; count++) answer = driven.apply(set(`${count}`, value));
    expect(answer).toMatchObject({ kind: 'unchanged', because: 'full' });
    expect(count).toBeLessThan(1_030);
    expect(driven.apply({ op: 'get', key: `${count - 1}` })).toMatchObject({ value: null });
    expect(driven.apply(set('0', ''))).toMatchObject({ kind: 'written' });
    expect(driven.apply(set(`${count}`, value.slice(1024)))).toMatchObject({ kind: 'written' });
  });
});

describe('what is checked before it is proposed', () => {
  it('names and values within their bounds in bytes, not characters', () => {
    expect(problemOf(set('é'.repeat(maxNameBytes / 2), 'x'.repeat(maxValueBytes)))).toBeNull();
    expect(problemOf(set('é'.repeat(maxNameBytes / 2 + 1), ''))).toContain('a key has 1 to 256 bytes, not 258');
    expect(problemOf(set('', ''))).toContain('a key has 1 to 256 bytes, not 0');
    expect(problemOf(set('k', 'x'.repeat(maxValueBytes + 1)))).toContain('value: 65537 bytes');
    expect(problemOf(set('k', '', ''))).toContain('a request id');
    expect(problemOf(swap('x'.repeat(maxValueBytes + 1), ''))).toContain('expected: 65537 bytes');
    expect(problemOf({ op: 'addToSet', set: 's', member: '', requestId: null })).toContain('a member');
    expect(problemOf({ op: 'members', set: '' })).toContain('a set');
  });
});
