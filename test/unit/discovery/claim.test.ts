import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimName, releaseName } from '../../../node/src/discovery/claim.ts';
import type { Located, Met } from '../../../node/src/discovery/founding.ts';
import { FakeConsul, kvBody } from '../consul/fake-consul.ts';

/** One key, with Consul's check-and-set. */
class Key {
  text: string | null = null;
  index = 0;
  /** Somebody else is faster than the next write. */
  onWrite: () => void = () => undefined;

  put(text: string): void {
    this.text = text;
    this.index += 1;
  }
}

const self: Located = {
  nodeId: 'a',
  incarnation: 'i1',
  session: 's1',
  clusterId: null,
  isLearner: false,
  address: '10.0.0.1:7000',
};
const claimOf = (session: string, address: string): string => JSON.stringify({ incarnation: 'i', session, address });

describe('the claim of a name', () => {
  let consul: FakeConsul;
  let key: Key;
  const alive = new Map<string, Met>();

  beforeEach(async () => {
    consul = await FakeConsul.start();
    key = new Key();
    alive.clear();
    consul.onAsked = (asked) => {
      const cas = asked.query.get('cas');
      if (cas === null)
        return key.text === null ? asked.answer(404, 1, '') : asked.answer(200, 1, kvBody(key.text, key.index));
      key.onWrite();
      const isOurs = Number(cas) === (key.text === null ? 0 : key.index);
      if (isOurs) key.put(claimOf('s1', self.address));
      asked.answer(200, null, String(isOurs));
    };
  });
  afterEach(() => consul.stop());

  const claim = (): Promise<void> =>
    claimName({
      ...{ consul: consul.address, key: 'k', self },
      identify: (address) => Promise.resolve(alive.get(address) ?? null),
    });

  it('is taken where there is none, and taken over from who is gone', async () => {
    await claim();
    expect(key.text).toContain('s1');
    key.put(claimOf('s0', '10.0.0.9:7000'));
    await claim();
    expect(key.text).toContain('s1');
  });

  it('is refused where a process of that name answers, with both addresses', async () => {
    key.put(claimOf('s0', '10.0.0.9:7000'));
    alive.set('10.0.0.9:7000', { nodeId: 'a', incarnation: 'i0', session: 's0', clusterId: null, isLearner: false });
    await expect(claim()).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining(
        'two processes call themselves "a": one at 10.0.0.9:7000, and this one at 10.0.0.1:7000',
      ) as string,
    });
  });

  it('is taken over from an address that has another node by now, or this one', async () => {
    for (const met of [
      { nodeId: 'b', session: 's9' },
      { nodeId: 'a', session: 's1' },
    ]) {
      key.put(claimOf('s0', '10.0.0.9:7000'));
      alive.set('10.0.0.9:7000', { ...met, incarnation: 'i', clusterId: null, isLearner: false });
      await claim();
      expect(key.text).toContain('s1');
    }
  });

  it('of two at one moment one has it: the other meets the first', async () => {
    key.onWrite = () => {
      key.onWrite = () => undefined;
      key.put(claimOf('s2', '10.0.0.2:7000'));
      alive.set('10.0.0.2:7000', { nodeId: 'a', incarnation: 'i2', session: 's2', clusterId: null, isLearner: false });
    };
    await expect(claim()).rejects.toThrow('one at 10.0.0.2:7000');
    expect(key.text).toContain('s2');
  });

  it('is given back at an end, unless somebody has taken it over', async () => {
    key.put(claimOf('s2', '10.0.0.2:7000'));
    const before = consul.asked.length;
    await releaseName({ consul: consul.address, key: 'k', self }, 1_000);
    expect(consul.asked.slice(before).map(({ query }) => query.get('cas'))).toEqual([null]);
    key.put(claimOf('s1', self.address));
    await releaseName({ consul: consul.address, key: 'k', self }, 1_000);
    expect(consul.asked.at(-1)!.query.get('cas')).toBe(String(key.index - 1));
  });
});
