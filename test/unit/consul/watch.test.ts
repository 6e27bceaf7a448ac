import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextIndex, watchConsul } from '../../../node/src/consul/watch.ts';
import { type KvEntry, readKey } from '../../../node/src/consul/kv.ts';
import { ManualClock } from '../transport/manual-clock.ts';
import { FakeConsul, kvBody } from './fake-consul.ts';

const patience = { timeout: 10_000, interval: 5 };

describe('a watch of a key', () => {
  let consul: FakeConsul;
  let clock: ManualClock;
  let seen: (string | null)[];
  let failures: string[];
  let end: () => void;

  beforeEach(async () => {
    consul = await FakeConsul.start();
    clock = new ManualClock();
    [seen, failures] = [[], []];
    end = () => undefined;
  });
  afterEach(async () => {
    end();
    await consul.stop();
  });

  const open = (fromIndex = 0): void => {
    end = watchConsul<KvEntry | null>({
      ask: (asked) => readKey(consul.address, 'a/key', asked),
      fromIndex,
      onValue: (entry) => seen.push(entry?.text ?? null),
      onFailure: ({ message }) => failures.push(message),
      clock,
      random: () => 0.5,
    });
  };
  const question = async (number: number): Promise<FakeConsul['asked'][number]> => {
    await vi.waitFor(() => expect(consul.asked).toHaveLength(number), patience);
    return consul.asked[number - 1]!;
  };
  const heard = (count: number): Promise<unknown> =>
    vi.waitFor(() => expect(seen.length + failures.length).toBe(count), patience);

  it('asks for what is there, then waits at the index that was answered', async () => {
    open();
    const first = await question(1);
    expect([first.path, first.query.get('index'), first.query.get('wait')]).toEqual(['/v1/kv/a/key', '0', '10s']);
    first.answer(200, 17, kvBody('one', 17));
    await heard(1);
    clock.advance(250);
    const second = await question(2);
    expect(second.query.get('index')).toBe('17');
    second.answer(200, 21, kvBody('two', 21));
    await heard(2);
    expect(seen).toEqual(['one', 'two']);
  });

  it('of what is known already asks for what comes after it', async () => {
    open(17);
    expect((await question(1)).query.get('index')).toBe('17');
  });

  it('asks at most once in a quarter of a second, however fast the answers change', async () => {
    open();
    for (let round = 1; round <= 4; round += 1) {
      (await question(round)).answer(200, round, kvBody(`${round}`, round));
      await heard(round);
      clock.advance(249);
      expect(consul.asked).toHaveLength(round);
      clock.advance(1);
    }
    await question(5);
  });

  it('reads anew at once when the index goes back: that Consul began anew', async () => {
    open(100);
    (await question(1)).answer(200, 5, kvBody('restored', 5));
    await heard(1);
    clock.advance(250);
    expect((await question(2)).query.get('index')).toBe('0');
  });

  it.each([null, 0, -3])('never waits at index 0, which is no waiting at all (answered: %s)', async (index) => {
    open();
    (await question(1)).answer(404, index, '');
    await heard(1);
    expect(seen).toEqual([null]);
    clock.advance(250);
    expect((await question(2)).query.get('index')).toBe('1');
  });

  it('pauses longer after each failure in a row, then reads anew, since it may have missed something', async () => {
    open(17);
    (await question(1)).answer(500, null, 'No cluster leader');
    await heard(1);
    clock.advance(749);
    expect(consul.asked).toHaveLength(1);
    clock.advance(1);
    const second = await question(2);
    expect(second.query.get('index')).toBe('0');
    second.hangUp();
    await heard(2);
    clock.advance(1_499);
    expect(consul.asked).toHaveLength(2);
    clock.advance(1);
    (await question(3)).answer(200, 30, kvBody('back', 30));
    await heard(3);
    clock.advance(250);
    const fourth = await question(4);
    expect(fourth.query.get('index')).toBe('30');
    fourth.answer(429, null, 'rate limit exceeded');
    await heard(4);
    clock.advance(749);
    expect(consul.asked).toHaveLength(4);
    expect(failures.map((each) => /answered \d+|hang up/.exec(each)?.[0])).toEqual([
      'answered 500',
      'hang up',
      'answered 429',
    ]);
  });

  it('takes nobody for Consul who answers with something else', async () => {
    open();
    (await question(1)).answer(200, 3, '<html>');
    await heard(1);
    expect(failures[0]).toContain('is it its HTTP API?');
  });

  it('asks no more once it has ended, and says nothing of the answer it no longer waits for', async () => {
    open();
    const first = await question(1);
    end();
    first.answer(200, 3, kvBody('late', 3));
    clock.advance(60_000);
    // A question of ours that is answered: whatever it would have asked before has come by now.
    consul.onAsked = (asked) => asked.answer(200, 3, kvBody('ours', 3));
    await readKey(consul.address, 'another', { timeoutMs: 5_000 });
    expect([seen, failures, consul.asked.map(({ path }) => path)]).toEqual([
      [],
      [],
      ['/v1/kv/a/key', '/v1/kv/another'],
    ]);
  });
});

it('an index is none of those that do not rise', () => {
  expect([nextIndex(5, 6), nextIndex(5, 5), nextIndex(5, 4), nextIndex(0, 0), nextIndex(1, 0)]).toEqual([
    6, 5, 0, 1, 1,
  ]);
});
