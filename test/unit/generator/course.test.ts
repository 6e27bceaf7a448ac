import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrivalTimeMs, arrivalsBefore, withRate } from '../../../node/src/generator/schedule/arrivals.ts';
import { boundsOver, durationOver, loadOver } from '../../../node/src/generator/schedule/course.ts';
import { countStripe, OwnArrivals, ownerOf } from '../../../node/src/generator/schedule/stripes.ts';
import type { StripeTable } from '../../../node/src/generator/schedule/types.ts';
import type { Load } from '../../../node/src/plan/plan.ts';

const rps = (ratePerSecond: number): Load => ({ model: 'rps', ratePerSecond });
const rates = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0.01, max: 5_000, noNaN: true }));
const nodes = ['a', 'b', 'c', 'd'];

/** A load whose rate changes a few times, at any instants, also twice at the same. */
const courses = fc
  .tuple(
    rates,
    fc.array(fc.tuple(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e5, noNaN: true })), rates), { maxLength: 6 }),
  )
  .map(([first, changes]) => {
    let fromMs = 0;
    return changes.reduce((load, [gapMs, rate]) => withRate(load, (fromMs += gapMs), rate), rps(first));
  });
const instants = fc.double({ min: 0, max: 1e6, noNaN: true });

describe('a rate that changes', () => {
  it('leaves every arrival its number: arrivalsBefore stays the exact inverse of arrivalTimeMs', () => {
    fc.assert(
      fc.property(courses, instants, (load, ms) => {
        const count = arrivalsBefore(load, ms);
        if (count > 0) expect(arrivalTimeMs(load, count - 1)).toBeLessThan(ms);
        expect(arrivalTimeMs(load, count)).toBeGreaterThanOrEqual(ms);
      }),
      { numRuns: 1_000 },
    );
  });

  it('moves no arrival that was planned before the change, and plans the next from the change on', () => {
    fc.assert(
      fc.property(courses, fc.double({ min: 0, max: 1e5, noNaN: true }), rates, (load, laterMs, rate) => {
        const fromMs = ((load.model === 'rps' ? load.changes?.at(-1)?.fromMs : 0) ?? 0) + laterMs;
        const changed = withRate(load, fromMs, rate);
        const before = arrivalsBefore(load, fromMs);
        expect(arrivalsBefore(changed, fromMs)).toBe(before);
        for (const index of [0, 1, Math.floor(before / 2), before - 2, before - 1]) {
          if (index >= 0 && index < before) expect(arrivalTimeMs(changed, index)).toBe(arrivalTimeMs(load, index));
        }
        const firstMs = arrivalTimeMs(changed, before);
        expect(firstMs).toBeGreaterThanOrEqual(fromMs);
        // Never more than one gap: neither the old schedule's rest nor a new beginning is added to it.
        expect(firstMs).toBeLessThanOrEqual(fromMs + 1000 / rate + 1e-6);
      }),
    );
  });

  it('comes to the sum of its parts: 10 s of 100, 10 s of 25 and 10 s of 0.5 iterations a second', () => {
    const load = withRate(withRate(rps(100), 10_000, 25), 20_000, 0.5);
    expect([10_000, 20_000, 30_000].map((ms) => arrivalsBefore(load, ms))).toEqual([1_000, 1_250, 1_255]);
    expect([999, 1_000, 1_001].map((index) => arrivalTimeMs(load, index))).toEqual([9_990, 10_000, 10_040]);
  });

  it('that is changed again and again adds no arrivals: the fraction under way is kept', () => {
    let load = rps(3);
    for (let ms = 100; ms < 100_000; ms += 100) load = withRate(load, ms, ms % 200 === 0 ? 3 : 3.000001);
    expect(Math.abs(arrivalsBefore(load, 100_000) - 300)).toBeLessThanOrEqual(1);
  });
});

describe('tables that change the load', () => {
  const tableLists: fc.Arbitrary<readonly StripeTable[]> = fc
    .array(
      fc.record({
        gap: fc.integer({ min: 0, max: 3_000 }),
        slots: fc.shuffledSubarray(nodes, { minLength: 1 }),
        rate: fc.option(fc.integer({ min: 1, max: 300 }), { nil: null }),
        workers: fc.option(fc.integer({ min: 4, max: 30 }), { nil: null }),
      }),
      { minLength: 1, maxLength: 6 },
    )
    .map((rows) => {
      let fromMs = 0;
      return rows.map(({ gap, slots, rate, workers }, position) => {
        fromMs += position === 0 ? 0 : gap;
        const terms =
          rate === null || position === 0 ? {} : { terms: { ratePerSecond: rate, workers, durationMs: 60_000 } };
        return { fromMs, slots, ...terms };
      });
    });

  it('every arrival has one owner and one generator, whatever bound each table brings', () => {
    fc.assert(
      fc.property(tableLists, fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 4 }), (tables, rate, of) => {
        const plan = { load: rps(rate), workers: null, durationMs: 10_000 };
        const load = loadOver(plan.load, tables);
        const bound = boundsOver(plan, tables);
        const end = arrivalsBefore(load, 12_000);
        const owners: string[] = [];
        for (const node of nodes) {
          let ofNode = 0;
          for (let index = 0; index < of; index++) {
            const own = OwnArrivals.of({ load, tables, share: { node, index, of }, bound });
            for (let at = own.next(0); at < end; at = own.next(at + 1)) {
              expect(owners[at]).toBe(undefined);
              owners[at] = node;
              ofNode++;
            }
          }
          expect(countStripe(load, tables, node, 0, 12_000)).toBe(ofNode);
        }
        for (let index = 0; index < end; index++) expect(owners[index]).toBe(ownerOf(tables, load, index));
      }),
      { numRuns: 60 },
    );
  });

  it('a table without terms changes no load, and the newest terms say when it ends', () => {
    const [first, second] = [
      { fromMs: 0, slots: ['a'] },
      { fromMs: 500, slots: ['b'] },
    ];
    const terms = { ratePerSecond: 20, workers: null, durationMs: 5_000 };
    const plan = { load: rps(10), workers: null, durationMs: 1_000 };
    expect(loadOver(plan.load, [first, second])).toEqual(rps(10));
    expect(durationOver(plan, [first, second])).toBe(1_000);
    const tables = [first, { ...second, terms }, { fromMs: 900, slots: ['a'] }];
    expect(durationOver(plan, tables)).toBe(5_000);
    expect([0, 1, 2].map(boundsOver({ ...plan, load: rps(100) }, tables))).toEqual([500, 100, 100]);
    // What a load has already of the same tables is not counted twice.
    expect(loadOver(loadOver(plan.load, tables), tables)).toEqual(loadOver(plan.load, tables));
  });
});
