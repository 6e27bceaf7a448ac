import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countVotes, majority, reachedBy, sizeOf, votersOf } from '../../../node/src/raft/quorum.ts';
import type { VoterSet } from '../../../node/src/raft/types.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const voterSets: fc.Arbitrary<VoterSet> = fc
  .record({ voters: fc.subarray(names, { minLength: 1 }), unmet: fc.nat({ max: 2 }) })
  .map(({ voters, unmet }) => ({ voters: voters.map((id) => ({ id, incarnation: '1' })), unmet }));
/** One set, or the two of a joint membership. */
const electorates = fc.array(voterSets, { minLength: 1, maxLength: 2 });
const someNames = fc.subarray(names).map((ids) => new Set(ids));

function agreeing({ voters }: VoterSet, ids: ReadonlySet<string>): number {
  return voters.filter(({ id }) => ids.has(id)).length;
}

describe('votes', () => {
  it('M4, D6: are won by a majority of every set, and by nothing less', () => {
    fc.assert(
      fc.property(electorates, someNames, (electorate, yes) => {
        const result = countVotes(electorate, (id) => (yes.has(id) ? true : undefined));
        const isMajority = electorate.every((set) => agreeing(set, yes) > sizeOf(set) / 2);
        expect(result === 'won').toBe(isMajority);
      }),
    );
  });

  it('are lost exactly when no answer that is still to come could win them, unmet members never answering no', () => {
    fc.assert(
      fc.property(electorates, someNames, someNames, (electorate, yes, no) => {
        const answerOf = (id: string): boolean | undefined => (yes.has(id) ? true : no.has(id) ? false : undefined);
        const refused = new Set([...no].filter((id) => !yes.has(id)));
        const canWin = electorate.every((set) => sizeOf(set) - agreeing(set, refused) >= majority(sizeOf(set)));
        expect(countVotes(electorate, answerOf) === 'lost').toBe(!canWin);
      }),
    );
  });

  it('two winners of the same electorate share a voter of each set', () => {
    fc.assert(
      fc.property(electorates, someNames, someNames, (electorate, one, other) => {
        const wins = (ids: ReadonlySet<string>): boolean => countVotes(electorate, (id) => ids.has(id)) === 'won';
        fc.pre(wins(one) && wins(other));
        for (const { voters } of electorate) {
          expect(voters.some(({ id }) => one.has(id) && other.has(id))).toBe(true);
        }
      }),
    );
  });
});

describe('what a quorum has reached', () => {
  it('R15: is the largest value that a majority of every set has, in any order of any values', () => {
    fc.assert(
      fc.property(electorates, fc.array(fc.nat({ max: 9 }), { minLength: 7, maxLength: 7 }), (electorate, values) => {
        const valueOf = (id: string): number => values[names.indexOf(id)]!;
        const reached = reachedBy(electorate, valueOf);
        const isReached = (value: number): boolean =>
          electorate.every(
            (set) => set.voters.filter(({ id }) => valueOf(id) >= value).length >= majority(sizeOf(set)),
          );
        expect(isReached(reached ?? 0)).toBe(reached !== null);
        expect(isReached((reached ?? 0) + 1)).toBe(false);
      }),
    );
  });

  it('is nothing while too few have a value', () => {
    const three = { voters: ['a', 'b', 'c'].map((id) => ({ id, incarnation: '1' })), unmet: 0 };
    expect(reachedBy([three], (id) => (id === 'a' ? 9 : undefined))).toBeNull();
    expect(reachedBy([three], (id) => (id === 'a' ? undefined : 9))).toBe(9);
    expect(reachedBy([{ ...three, unmet: 3 }], () => 9)).toBeNull();
  });
});

it('a voter of both sets of a joint membership is one voter', () => {
  const one = { voters: ['a', 'b'].map((id) => ({ id, incarnation: '1' })), unmet: 0 };
  const other = { voters: ['b', 'c'].map((id) => ({ id, incarnation: '1' })), unmet: 0 };
  expect(votersOf([one, other]).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
});
