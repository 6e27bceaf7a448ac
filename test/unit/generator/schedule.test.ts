import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrivalTimeMs,
  arrivalsBefore,
  derivedInFlightBound,
  inFlightBound,
} from '../../../node/src/generator/schedule/arrivals.ts';
import { chooseScenario } from '../../../node/src/generator/schedule/choose.ts';
import { OwnArrivals, countStripe, ownerOf, tableAt } from '../../../node/src/generator/schedule/stripes.ts';
import type { StripeTable } from '../../../node/src/generator/schedule/types.ts';
import { inFlightShare, usersOf, usersOfNode } from '../../../node/src/generator/schedule/users.ts';

const rps = (ratePerSecond: number) => ({ model: 'rps', ratePerSecond }) as const;
const rates = fc.oneof(
  fc.integer({ min: 1, max: 20_000 }).map(rps),
  fc.double({ min: 0.01, max: 20_000, noNaN: true }).map(rps),
);
const day = 24 * 3600 * 1000;
const nodes = ['a', 'b', 'c', 'd', 'e'];
const slotLists = fc.shuffledSubarray(nodes, { minLength: 1 });
const tableLists: fc.Arbitrary<StripeTable[]> = fc
  .array(fc.record({ gap: fc.integer({ min: 0, max: 4000 }), slots: slotLists }), { minLength: 1, maxLength: 5 })
  .map((rows) => {
    let fromMs = 0;
    return rows.map(({ gap, slots }, position) => ({ fromMs: position === 0 ? 0 : (fromMs += gap + 0.25), slots }));
  });

describe('arrivals', () => {
  it('arrivalsBefore is the exact inverse of arrivalTimeMs over 24 hours at up to 20,000/s', () => {
    fc.assert(
      fc.property(rates, fc.double({ min: 0, max: day, noNaN: true }), (load, ms) => {
        const count = arrivalsBefore(load, ms);
        if (count > 0) expect(arrivalTimeMs(load, count - 1)).toBeLessThan(ms);
        expect(arrivalTimeMs(load, count)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });

  it('arrival i is not before its own instant, and is before the next arrival', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 0, max: 1_728_000_000 }), (load, index) => {
        expect(arrivalsBefore(load, arrivalTimeMs(load, index))).toBe(index);
      }),
    );
  });

  it('does not drift: a whole day at 20,000/s holds exactly 1,728,000,000 arrivals', () => {
    expect(arrivalsBefore(rps(20_000), day)).toBe(1_728_000_000);
    expect(arrivalsBefore(rps(0.1), day)).toBe(8640);
    expect(arrivalTimeMs(rps(3), 3 * 86_400)).toBe(day);
  });

  it("the bound on iterations in flight is the plan's, else five seconds of arrivals within 100..20000", () => {
    expect([1, 20, 333.3, 1e6].map((rate) => derivedInFlightBound(rps(rate)))).toEqual([100, 100, 1667, 20_000]);
    expect(inFlightBound({ workers: 7, load: rps(1000) })).toBe(7);
    expect(inFlightBound({ workers: null, load: rps(1000) })).toBe(5000);
  });
});

describe('stripes', () => {
  const generators = fc.integer({ min: 1, max: 4 });
  const bounds = fc.oneof(fc.constant(Infinity), fc.integer({ min: 5, max: 40 }));

  it('every arrival is owned exactly once, over any tables, nodes and generators', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }).map(rps),
        tableLists,
        generators,
        bounds,
        (load, tables, of, bound) => {
          const owners = new Map<number, string[]>();
          const end = 2000;
          for (const node of nodes) {
            for (let index = 0; index < of; index++) {
              const own = OwnArrivals.of({ load, tables, share: { node, index, of }, bound });
              let found = 0;
              for (let at = own.next(0); at < end; at = own.next(at + 1)) {
                owners.set(at, [...(owners.get(at) ?? []), node]);
                found++;
              }
              expect(own.count(0, end)).toBe(found);
            }
          }
          for (let index = 0; index < end; index++) expect(owners.get(index)).toEqual([ownerOf(tables, load, index)]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('countStripe counts what walking the schedule counts', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 200, noNaN: true }).map(rps),
        tableLists,
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        (load, tables, fromMs, lengthMs) => {
          const walked = new Map(nodes.map((node) => [node, 0]));
          for (let i = arrivalsBefore(load, fromMs); i < arrivalsBefore(load, fromMs + lengthMs); i++) {
            const owner = ownerOf(tables, load, i)!;
            walked.set(owner, walked.get(owner)! + 1);
          }
          for (const node of nodes)
            expect(countStripe(load, tables, node, fromMs, fromMs + lengthMs)).toBe(walked.get(node));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('nobody owns anything before the first table or in an empty one', () => {
    const tables = [{ fromMs: 1000, slots: [] }];
    expect(ownerOf(tables, rps(10), 3)).toBeNull();
    expect(ownerOf(tables, rps(10), 30)).toBeNull();
    expect(tableAt(tables, 999)).toBeNull();
    expect(OwnArrivals.of({ load: rps(10), tables, share: { node: 'a', index: 0, of: 1 }, bound: 5 }).next(0)).toBe(
      Infinity,
    );
  });
});

describe('users and the bound in flight', () => {
  it('every virtual user runs on exactly one generator', () => {
    fc.assert(
      fc.property(slotLists, fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 4 }), (slots, users, of) => {
        const table = { fromMs: 0, slots };
        const all = nodes.flatMap((node) => {
          const parts = Array.from({ length: of }, (_, index) => usersOf(table, users, { node, index, of })).flat();
          expect(parts.sort((x, y) => x - y)).toEqual([...usersOfNode(table, users, node)]);
          return parts;
        });
        expect(all.sort((x, y) => x - y)).toEqual(Array.from({ length: users }, (_, user) => user));
      }),
    );
  });

  it('the parts of the bound add up to it, and whoever owns arrivals has at least one', () => {
    fc.assert(
      fc.property(slotLists, fc.integer({ min: 5, max: 100 }), fc.integer({ min: 1, max: 8 }), (slots, bound, of) => {
        const table = { fromMs: 0, slots };
        let sum = 0;
        for (const node of slots) {
          for (let index = 0; index < of; index++) {
            const share = { node, index, of };
            const part = inFlightShare(bound, table, share);
            sum += part;
            const owns = OwnArrivals.of({ load: rps(1), tables: [table], share, bound }).next(0) !== Infinity;
            expect(part > 0).toBe(owns);
          }
        }
        expect(sum).toBe(bound);
      }),
    );
  });
});

describe('chooseScenario', () => {
  const weights = [1, 0, 3, 6];
  const plan = { scenarios: weights.map((weight) => ({ weight })) };

  it('follows the weights within 5 sigma, never takes a weight of zero, and repeats', () => {
    const total = 20_000;
    const counts = weights.map(() => 0);
    for (let arrival = 0; arrival < total; arrival++) counts[chooseScenario(plan, 42, arrival)]!++;
    weights.forEach((weight, position) => {
      const share = weight / 10;
      const sigma = Math.sqrt(total * share * (1 - share));
      expect(Math.abs(counts[position]! - total * share)).toBeLessThanOrEqual(5 * sigma);
    });
    expect(chooseScenario(plan, 42, 17)).toBe(chooseScenario(plan, 42, 17));
  });

  it('neighbouring arrivals and seeds are independent of each other', () => {
    const two = { scenarios: [{ weight: 1 }, { weight: 1 }] };
    const stripes = Array.from({ length: 3 }, () => 0);
    for (let i = 0; i < 30_000; i++) stripes[i % 3]! += chooseScenario(two, 7, i);
    for (const ones of stripes) expect(Math.abs(ones - 5000)).toBeLessThan(5 * 50);
    const same = Array.from({ length: 10_000 }, (_, i) => chooseScenario(two, 1, i) === chooseScenario(two, 2, i));
    expect(Math.abs(same.filter(Boolean).length - 5000)).toBeLessThan(5 * 50);
  });
});
