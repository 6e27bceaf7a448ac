import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CutMerger } from '../../../node/src/agent/cut-merger.ts';
import { StripeAccounts } from '../../../node/src/agent/stripe-accounts.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import { createMeasurements, decodeMeasurements, encodeCut } from '../../../node/src/results/encoding.ts';
import { emptyBooks, type Books, type EncodedCut } from '../../../node/src/results/measurements.ts';

const parsed = parsePlan(`version: "1.0"
config: { baseUrl: "http://127.0.0.1:17400", duration: 10s }
load: { model: rps, target: 40 }
scenarios:
  - name: a
    steps:
      - name: one
        request: { method: GET, path: / }
`);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const { plan } = parsed;

function merger(generators: number, horizonMs = 10_000): { merge: CutMerger; accounts: StripeAccounts } {
  const accounts = new StripeAccounts({ plan, slot: 'me', generators });
  accounts.setTables([{ fromMs: 0, slots: ['me', 'other'] }]);
  accounts.setHorizon(horizonMs);
  return { merge: new CutMerger(plan, accounts, generators), accounts };
}

function cut(number: number, books: Partial<Books> = {}, of: { final?: boolean; inFlight?: number } = {}): EncodedCut {
  const measurements = createMeasurements(plan);
  measurements.scenarios[0]!.steps[0]!.requests = books.answered ?? 0;
  measurements.scenarios[0]!.steps[0]!.responseUs.record(1_000, books.answered ?? 0);
  return encodeCut({
    number,
    final: of.final ?? false,
    books: { ...emptyBooks(), ...books },
    inFlight: of.inFlight ?? 0,
    measurements,
  });
}

describe('CutMerger', () => {
  it('gives a second once every generator has given it, and adds them up', () => {
    const { merge } = merger(2);
    expect(merge.add(0, cut(0, { fired: 10, answered: 9 }, { inFlight: 1 }))).toEqual([]);
    const [node] = merge.add(1, cut(0, { fired: 10, answered: 7 }, { inFlight: 3 }));
    expect(node).toMatchObject({
      number: 0,
      final: false,
      inFlight: 4,
      books: { fired: 20, answered: 16, notFired: 0 },
    });
    expect(decodeMeasurements(node!.measurements).scenarios[0]!.steps[0]!.responseUs.count).toBe(16);
  });

  it('of a closed model counts the users of a dead generator as lost, once, each for the iteration it does not start', () => {
    const closed = { ...plan, load: { model: 'concurrent' } as const, workers: 10 };
    const accounts = new StripeAccounts({ plan: closed, slot: 'me', generators: 2 });
    accounts.setTables([{ fromMs: 0, slots: ['me', 'other'] }]);
    accounts.setHorizon(10_000);
    const merge = new CutMerger(closed, accounts, 2);
    merge.add(0, cut(0, { fired: 3, answered: 3 }));
    merge.add(1, cut(0, { fired: 2, answered: 1 }, { inFlight: 1 }));
    merge.add(0, cut(1, { fired: 3, answered: 3 }));
    // Users 0, 2, 4, 6, 8 are ours, and 2 and 6 the second generator's.
    const cuts = [...merge.died(1), ...merge.add(0, cut(2, { fired: 3, answered: 3 }, { final: true }))];
    expect(cuts.map(({ books }) => books.lost)).toEqual([2, 0]);
    expect(cuts.map(({ books }) => books.notFired)).toEqual([0, 0]);
    expect(cuts.at(-1)).toMatchObject({ final: true, inFlight: 1 });
  });

  it('adds up the time that users were held back', () => {
    const { merge } = merger(2);
    merge.add(0, cut(0, { heldUserMs: 1_200 }));
    expect(merge.add(1, cut(0, { heldUserMs: 34 }))[0]!.books.heldUserMs).toBe(1_234);
  });

  it('passes the text form of a single generator on as it is', () => {
    const { merge } = merger(1);
    const given = cut(0, { fired: 20, answered: 20 });
    expect(merge.add(0, given)[0]!.measurements).toBe(given.measurements);
  });

  it('counts a dead generator’s share of each second as lost, and goes on with the others', () => {
    const { merge } = merger(2);
    merge.add(0, cut(0, { fired: 10, answered: 10 }));
    merge.add(1, cut(0, { fired: 10, answered: 8 }, { inFlight: 2 }));
    expect(merge.add(0, cut(1, { fired: 10, answered: 10 }))).toEqual([]);
    const [second] = merge.died(1);
    expect(second).toMatchObject({ number: 1, inFlight: 2, books: { fired: 10, lost: 10, notFired: 0 } });
    expect(merge.add(0, cut(2, { fired: 10, answered: 10 }))[0]).toMatchObject({ books: { fired: 10, lost: 10 } });
  });

  it('accounts for nothing beyond the horizon until that has passed: others may have got it', () => {
    const { merge, accounts } = merger(1, 1_500);
    expect(merge.add(0, cut(0, { fired: 20 }))[0]!.books).toMatchObject({ fired: 20, notFired: 0 });
    // The generator found ten of its arrivals beyond the horizon; they are not settled yet.
    expect(merge.add(0, cut(1, { fired: 10, notFired: 10 }))[0]!.books).toMatchObject({ fired: 10, notFired: 0 });
    accounts.setTables([
      { fromMs: 0, slots: ['me', 'other'] },
      { fromMs: 1_500, slots: ['other'] },
      { fromMs: 2_500, slots: ['me'] },
    ]);
    accounts.setHorizon(4_000);
    expect(merge.add(0, cut(2, { fired: 15 }))[0]!.books).toMatchObject({ fired: 15, notFired: 5 });
  });

  it('settles all of the stripe with the last interval, at the drain order’s instant', () => {
    const { merge, accounts } = merger(1, 2_000);
    merge.add(0, cut(0, { fired: 20 }));
    merge.add(0, cut(1, { fired: 20 }));
    accounts.drain(3_000);
    const [last] = merge.add(0, cut(2, {}, { final: true }));
    expect(last).toMatchObject({ final: true, books: { fired: 0, notFired: 20 } });
  });

  it('has no last interval of its own when every generator died: the cluster settles the rest', () => {
    const { merge } = merger(2);
    merge.add(0, cut(0));
    merge.add(1, cut(0));
    expect(merge.died(0)).toEqual([]);
    expect(merge.died(1)).toEqual([]);
  });

  it('ends with an empty last interval when the one it still waited for dies after the others were done', () => {
    const { merge, accounts } = merger(2);
    accounts.drain(1_000);
    merge.add(0, cut(0, { fired: 10 }, { final: true }));
    expect(merge.add(1, cut(0, { fired: 10 }, { inFlight: 2 }))[0]).toMatchObject({ number: 0, final: false });
    expect(merge.died(1)[0]).toMatchObject({ number: 1, final: true, inFlight: 2, books: { fired: 0, lost: 0 } });
  });

  it('leaves out what a generator said before it died and is read only afterwards: it is accounted for as lost', () => {
    const { merge } = merger(2);
    merge.add(0, cut(0, { fired: 10, answered: 10 }));
    expect(merge.died(1).map(({ books }) => books.lost)).toEqual([10]);
    expect(merge.add(1, cut(0, { fired: 10, answered: 10 }))).toEqual([]);
    const rest = merge.add(0, cut(1, { fired: 10, answered: 10 }, { final: true }));
    expect(rest.map(({ number, final }) => [number, final])).toEqual([[1, true]]);
  });

  it('is indifferent to the order in which generators report', () => {
    const order = fc.shuffledSubarray([0, 0, 0, 1, 1, 1, 2, 2, 2], { minLength: 9 });
    fc.assert(
      fc.property(order, (turns) => {
        const { merge } = merger(3);
        const next = [0, 0, 0];
        const given = turns.flatMap((index) => merge.add(index, cut(next[index]!++, { fired: 6, answered: 6 })));
        expect(given.map((each) => [each.number, each.books.fired])).toEqual([
          [0, 18],
          [1, 18],
          [2, 18],
        ]);
      }),
    );
  });
});
