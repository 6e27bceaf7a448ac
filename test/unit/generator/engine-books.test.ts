import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrivalTimeMs, arrivalsBefore } from '../../../node/src/generator/schedule/arrivals.ts';
import { boundsOver, loadOver } from '../../../node/src/generator/schedule/course.ts';
import { OwnArrivals, ownerOf } from '../../../node/src/generator/schedule/stripes.ts';
import type { StripeTable } from '../../../node/src/generator/schedule/types.ts';
import { aPlan } from './fixtures.ts';
import { anEngine, rps, alone, sum } from './an-engine.ts';

describe('books', () => {
  const shares = ['a', 'b', 'c'].flatMap((node) => [0, 1].map((index) => ({ node, index, of: 2 })));
  const slotLists = fc.shuffledSubarray(['a', 'b', 'c'], { minLength: 1 });
  /** What the log says and when: each event extends the horizon, with a table at the horizon before it or not. */
  const logs = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 50, max: 900 }),
      extendMs: fc.integer({ min: 0, max: 1500 }),
      slots: fc.option(slotLists, { nil: null, freq: 3 }),
      load: fc.option(
        fc.record({
          ratePerSecond: fc.integer({ min: 5, max: 300 }),
          // The least that three slots can share: then one generator of each has to do it.
          workers: fc.constantFrom(3, 6, 20, null),
          durationMs: fc.integer({ min: 1_000, max: 9_000 }),
        }),
        { nil: null, freq: 2 },
      ),
    }),
    { minLength: 3, maxLength: 20 },
  );
  /** How a node lives through it: how late it hears the log, and when its process stands still. */
  const lives = fc.record({
    lagMs: fc.integer({ min: 0, max: 2000 }),
    pauseFromMs: fc.integer({ min: 0, max: 6000 }),
    pauseMs: fc.integer({ min: 0, max: 3000 }),
    durationMs: fc.integer({ min: 1, max: 1500 }),
  });

  it('over lagging, pausing generators, any tables and changes of the load: no arrival twice, every cut balances, and the sum is the schedule', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.constantFrom(6, 20, null),
        logs,
        fc.array(lives, { minLength: 6, maxLength: 6 }),
        (rate, workers, log, lifes) => {
          const plan = aPlan({ load: rps(rate), workers, durationMs: 6000 });
          const entries: { atMs: number; tables: StripeTable[]; horizonMs: number }[] = [];
          let horizonMs = 1500;
          let tables: StripeTable[] = [{ fromMs: 0, slots: ['a', 'b', 'c'] }];
          entries.push({ atMs: -500, tables, horizonMs });
          let atMs = 0;
          let durationMs = plan.durationMs;
          const isChanged = log.some((each) => each.load !== null);
          for (const { afterMs, extendMs, slots, load } of log) {
            atMs += afterMs;
            if (slots !== null) tables = [...tables, { fromMs: horizonMs, slots }];
            // As the reducer has it: not once the horizon has come to the end, and never to an end before it.
            if (load !== null && horizonMs < durationMs) {
              durationMs = Math.max(horizonMs, load.durationMs);
              const terms = { ...load, durationMs };
              tables = [...tables, { fromMs: horizonMs, slots: tables.at(-1)!.slots, terms }];
            }
            // Nobody moves it beyond the end; where the end never moves it makes no difference.
            const toMs = isChanged ? Math.min(durationMs, atMs + extendMs) : atMs + extendMs;
            horizonMs = Math.max(horizonMs, toMs);
            entries.push({ atMs, tables, horizonMs });
          }
          const stop = {
            atMs: Math.min(horizonMs, durationMs),
            deadlineMs: Math.min(horizonMs, durationMs) + 3000,
          };
          const course = loadOver(plan.load, tables);
          const firedBy = new Map<number, string>();
          let planned = 0;
          shares.forEach((share, position) => {
            const life = lifes[position]!;
            const { clock, cuts, engine, runner } = anEngine(plan, share, () => life.durationMs);
            const horizons: { readonly fromMs: number; readonly horizonMs: number }[] = [];
            // Run time 0 is at 1000 of this clock, so that the first messages come before it.
            const events: { readonly atMs: number; readonly act: () => void }[] = [
              { atMs: 0, act: () => engine.start(1000) },
              ...entries.map((entry, at) => ({
                atMs: at === 0 ? 500 : 1000 + entry.atMs + life.lagMs,
                act: () => {
                  horizons.push({ fromMs: clock.nowMs(), horizonMs: entry.horizonMs });
                  engine.setTables(entry.tables);
                  engine.extendHorizon(entry.horizonMs);
                },
              })),
              {
                atMs: 1000 + Math.max(atMs, stop.atMs) + life.lagMs,
                act: () => engine.drain(stop.atMs, stop.deadlineMs),
              },
            ];
            const pauseFrom = 1000 + life.pauseFromMs;
            for (const { atMs: dueMs, act } of events) {
              if (clock.nowMs() < pauseFrom && dueMs >= pauseFrom) {
                clock.advanceTo(pauseFrom);
                clock.pauseUntil(pauseFrom + life.pauseMs);
              }
              clock.advanceTo(dueMs);
              act();
            }
            clock.advanceTo(30_000);
            expect(cuts.at(-1)!.final).toBe(true);
            for (const { iteration, atMs: startedMs } of runner.started) {
              expect(firedBy.get(iteration)).toBeUndefined();
              firedBy.set(iteration, share.node);
              expect(ownerOf(tables, course, iteration)).toBe(share.node);
              const known = horizons.findLast(({ fromMs }) => fromMs <= startedMs)!.horizonMs;
              expect(arrivalTimeMs(course, iteration)).toBeLessThan(known);
              expect(startedMs - 1000).toBeGreaterThanOrEqual(arrivalTimeMs(course, iteration));
            }
            const own = OwnArrivals.of({ load: course, tables, share, bound: boundsOver(plan, tables) });
            let inFlight = 0;
            cuts.forEach(({ number, books, inFlight: then }, at) => {
              expect(number).toBe(at);
              const before = (ms: number) => arrivalsBefore(course, Math.min(ms, stop.atMs));
              const stripe = own.count(before(number * 1000), before((number + 1) * 1000));
              expect(books.fired + books.dropped + books.notFired).toBe(stripe);
              inFlight += books.fired - books.answered - books.failed;
              expect(then).toBe(inFlight);
            });
            planned += sum(cuts, 'fired') + sum(cuts, 'dropped') + sum(cuts, 'notFired');
          });
          expect(planned).toBe(arrivalsBefore(course, stop.atMs));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('beyond the bound in flight arrivals are dropped and counted', () => {
    const { clock, cuts, engine, runner } = anEngine(aPlan({ load: rps(100), workers: 5 }), undefined, () => 1e9);
    engine.setTables(alone);
    engine.extendHorizon(20_000);
    engine.start(0);
    clock.advanceTo(1000);
    expect(runner.started.length).toBe(5);
    expect(cuts[0]).toMatchObject({ inFlight: 5, books: { fired: 5, dropped: 95 } });
  });

  it('draining starts nothing at or after its instant, waits for what is under way, then closes with a final cut', () => {
    const { clock, cuts, engine, runner } = anEngine(aPlan({ load: rps(100) }), undefined, () => 705);
    engine.setTables(alone);
    engine.extendHorizon(20_000);
    engine.start(0);
    clock.advanceTo(1000);
    engine.drain(1500, 9000);
    clock.advanceTo(8000);
    expect(runner.started.length).toBe(150);
    expect(cuts.map(({ number, final, inFlight }) => [number, final, inFlight])).toEqual([
      [0, false, 70],
      [1, false, 20],
      [2, true, 0],
    ]);
  });

  it('what is unanswered at the deadline stays in flight in the final cut', () => {
    const { clock, cuts, engine, runner } = anEngine(aPlan({ load: rps(10) }), undefined, () => 1e6);
    engine.setTables(alone);
    engine.extendHorizon(20_000);
    engine.start(0);
    engine.drain(1000, 3000);
    clock.advanceTo(5000);
    expect(runner.abandoned).toBe(true);
    expect(cuts.at(-1)).toMatchObject({ number: 3, final: true, inFlight: 10 });
  });
});
