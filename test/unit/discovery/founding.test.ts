import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFounding, encodeFounding, type Located, nextStep } from '../../../node/src/discovery/founding.ts';

const located = (nodeId: string, more: Partial<Located> = {}): Located => ({
  nodeId,
  incarnation: `disk of ${nodeId}`,
  session: `process of ${nodeId}`,
  clusterId: null,
  isLearner: false,
  address: `${nodeId}:7000`,
  ...more,
});

/** Few values, so that names, processes and addresses often coincide. */
const few = (word: string): fc.Arbitrary<string> => fc.integer({ min: 0, max: 4 }).map((n) => `${word}${n}`);
const anyone: fc.Arbitrary<Located> = fc.record({
  nodeId: few('n'),
  incarnation: few('i'),
  session: few('s'),
  address: few('a'),
  clusterId: fc.constant(null),
  isLearner: fc.constant(false),
});

describe('who founds the cluster', () => {
  it('nobody before the expected nodes are there, by name', () => {
    expect(nextStep(located('b'), 3, [located('a')])).toEqual({
      kind: 'wait',
      reason: '2 of 3 expected nodes are here: "b", "a"',
    });
  });

  it('nobody of those that want no vote', () => {
    const learner = located('a', { isLearner: true });
    expect(nextStep(located('b'), 2, [learner])).toEqual({
      kind: 'wait',
      reason: '1 of 2 expected nodes are here: "b"',
    });
    expect(nextStep(learner, 1, [located('b')])).toMatchObject({ kind: 'wait' });
  });

  it('this node and as many others as are expected, in the order of their names', () => {
    const step = nextStep(
      located('d'),
      3,
      ['e', 'c', 'b', 'a'].map((id) => located(id)),
    );
    expect(step).toMatchObject({ founding: { founders: [{ id: 'a' }, { id: 'b' }, { id: 'd', address: 'd:7000' }] } });
  });

  it('one node that is registered twice is one: by its name, its process or its address', () => {
    for (const twin of [
      located('a', { session: 'another', address: 'elsewhere:7000' }),
      located('c', { session: 'process of a', address: 'elsewhere:7000' }),
      located('c', { address: 'a:7000' }),
      located('c', { session: 'process of b' }),
      located('b', { session: 'another', address: 'elsewhere:7000' }),
    ]) {
      expect(nextStep(located('b'), 3, [located('a'), twin])).toMatchObject({ kind: 'wait' });
    }
  });

  it('nobody who meets a member of a founded cluster', () => {
    const met = [located('a'), located('c', { clusterId: 'x' }), located('d')];
    expect(nextStep(located('b'), 2, met)).toEqual({
      kind: 'wait',
      reason: '"c" at c:7000 belongs to a founded cluster: waiting for the list of its founders',
    });
  });

  it('whoever is met: exactly the expected number, itself among them, all distinct, none of them invented', () => {
    fc.assert(
      fc.property(anyone, fc.integer({ min: 1, max: 5 }), fc.array(anyone, { maxLength: 8 }), (self, expected, met) => {
        const step = nextStep(self, expected, met);
        if (step.kind === 'wait') {
          // Five of each there are at most, so whoever has five different ones of everything may found.
          const names = new Set([self, ...met].map(({ nodeId }) => nodeId)).size;
          return names < expected || step.reason.includes(`of ${expected} expected`);
        }
        const { founders } = step.founding;
        const known = [self, ...met].map(({ nodeId, address }) => `${nodeId} ${address}`);
        expect(founders).toHaveLength(expected);
        expect(founders).toContainEqual({ id: self.nodeId, address: self.address });
        expect(new Set(founders.map(({ id }) => id)).size).toBe(expected);
        expect(new Set(founders.map(({ address }) => address)).size).toBe(expected);
        expect(founders.every(({ id, address }) => known.includes(`${id} ${address}`))).toBe(true);
        return true;
      }),
    );
  });

  it('in whichever order they are met, and however often', () => {
    fc.assert(
      fc.property(
        anyone,
        fc.integer({ min: 1, max: 4 }),
        fc
          .array(anyone, { maxLength: 6 })
          .chain((met) => fc.tuple(fc.constant(met), fc.shuffledSubarray(met, { minLength: met.length }))),
        (self, expected, [met, shuffled]) => {
          // Sorted by name and address, equal ones may differ in the rest alone.
          fc.pre(new Set(met.map(({ nodeId, address }) => nodeId + address)).size === met.length);
          expect(nextStep(self, expected, [...shuffled, ...shuffled])).toEqual(nextStep(self, expected, met));
        },
      ),
    );
  });
});

describe('the list of founders', () => {
  it('is read as it was written', () => {
    const founders = [{ id: 'a', address: 'a:7000' }];
    for (const founding of [
      { founders, clusterId: null },
      { founders, clusterId: 'x' },
    ]) {
      expect(decodeFounding(encodeFounding(founding))).toEqual(founding);
    }
  });

  it.each([
    'not JSON',
    '{}',
    '{"formatVersion":2,"founders":[{"id":"a","address":"a:1"}],"clusterId":null}',
    '{"formatVersion":1,"founders":[],"clusterId":null}',
    '{"formatVersion":1,"founders":[{"id":"a","address":"a:1"},{"id":"a","address":"b:1"}],"clusterId":null}',
    '{"formatVersion":1,"founders":[{"id":"a","address":"a:1"}],"clusterId":null,"more":1}',
  ])('is none where it is something else: %s', (text) => {
    expect(decodeFounding(text)).toBeNull();
  });
});
