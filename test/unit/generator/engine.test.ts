import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../../node/src/generator/engine/engine.ts';
import type { IterationStart, Runner, RunnerHost } from '../../../node/src/generator/engine/runner.ts';
import { arrivalTimeMs, arrivalsBefore } from '../../../node/src/generator/schedule/arrivals.ts';
import { boundsOver, loadOver } from '../../../node/src/generator/schedule/course.ts';
import { OwnArrivals, ownerOf } from '../../../node/src/generator/schedule/stripes.ts';
import type { GeneratorShare, StripeTable } from '../../../node/src/generator/schedule/types.ts';
import type { Clock } from '../../../node/src/lib/clock.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import type { Books } from '../../../node/src/results/measurements.ts';
import { VirtualClock, aPlan } from './fixtures.ts';

interface SeenCut {
  readonly number: number;
  readonly final: boolean;
  readonly books: Books;
  readonly inFlight: number;
}

/** Iterations that take as long as `durationMs` says; NaN: they fail before `start` returns. */
class FakeRunner implements Runner {
  readonly started: (IterationStart & { readonly atMs: number })[] = [];
  readonly nextWakeMs = Infinity;
  abandoned = false;
  readonly #clock: Clock;
  readonly #host: RunnerHost;
  readonly #durationMs: (start: IterationStart) => number;

  constructor(clock: Clock, host: RunnerHost, durationMs: (start: IterationStart) => number) {
    this.#clock = clock;
    this.#host = host;
    this.#durationMs = durationMs;
  }

  start(start: IterationStart): void {
    const atMs = this.#clock.nowMs();
    this.started.push({ ...start, atMs });
    const durationMs = this.#durationMs(start);
    if (Number.isNaN(durationMs)) return this.#host.ended(start.user, false, atMs);
    this.#clock.at(atMs + durationMs, () => {
      if (!this.abandoned) this.#host.ended(start.user, start.iteration % 3 !== 0, this.#clock.nowMs());
    });
  }

  wake(): void {
    // Its iterations end by timers of their own.
  }

  abandon(): void {
    this.abandoned = true;
  }
}

function anEngine(
  plan: Plan,
  share: GeneratorShare = { node: 'a', index: 0, of: 1 },
  durationMs: (start: IterationStart) => number = () => 20,
) {
  const clock = new VirtualClock();
  const cuts: SeenCut[] = [];
  /** What was said of the start, with the number of cuts before it. */
  const starts: { readonly lateMs: number; readonly afterCuts: number }[] = [];
  let runner!: FakeRunner;
  const engine = new Engine({
    clock,
    plan,
    seed: 1,
    share,
    started: (lateMs) => starts.push({ lateMs, afterCuts: cuts.length }),
    emit: ({ number, final, books, inFlight }) => cuts.push({ number, final, books: { ...books }, inFlight }),
    runnerFor: (host) => (runner = new FakeRunner(clock, host, durationMs)),
  });
  return { clock, cuts, engine, runner, share, starts };
}

const rps = (ratePerSecond: number) => ({ model: 'rps', ratePerSecond }) as const;
const alone: StripeTable[] = [{ fromMs: 0, slots: ['a'] }];
const sum = (cuts: readonly SeenCut[], line: keyof Books) => cuts.reduce((total, { books }) => total + books[line], 0);

describe('horizon', () => {
  it('what is planned beyond the horizon is never fired, and booked as not fired once the horizon has passed it', () => {
    const { clock, cuts, engine, runner } = anEngine(aPlan({ load: rps(100) }));
    engine.setTables(alone);
    engine.extendHorizon(1500);
    engine.start(0);
    clock.advanceTo(2500);
    expect(runner.started.length).toBe(150);
    expect(cuts.map(({ number }) => number)).toEqual([0]);
    engine.extendHorizon(4000);
    expect(cuts.map(({ number, books }) => [number, books.fired, books.notFired])).toEqual([
      [0, 100, 0],
      [1, 50, 50],
    ]);
    clock.advanceTo(3000);
    // Run time 2500 itself was reached while the horizon stood at 1500.
    expect(cuts[2]!.books).toMatchObject({ fired: 49, notFired: 51 });
  });

  it("what the horizon held back and a new table gives away is in nobody else's book but the new owner's", () => {
    const { clock, cuts, engine } = anEngine(aPlan({ load: rps(100) }));
    engine.setTables(alone);
    engine.extendHorizon(1000);
    engine.start(0);
    clock.advanceTo(2900);
    engine.setTables([...alone, { fromMs: 1000, slots: ['b'] }]);
    engine.extendHorizon(3000);
    clock.advanceTo(3000);
    expect(cuts.map(({ books }) => books.fired + books.notFired)).toEqual([100, 0, 0]);
  });

  it('a table that reaches back behind what is settled breaks an invariant', () => {
    const { clock, engine } = anEngine(aPlan());
    engine.setTables(alone);
    engine.extendHorizon(5000);
    engine.start(0);
    clock.advanceTo(1000);
    expect(() => engine.setTables([...alone, { fromMs: 500, slots: ['b'] }])).toThrow('all up to 1000 ms was settled');
  });

  it('who joins late fires nothing planned before, and books it only if a table had made it its own', () => {
    for (const [fromMs, firstCut, notFired] of [
      [2000, 2, 151],
      [4000, 3, 0],
    ] as const) {
      const { clock, cuts, engine, runner } = anEngine(aPlan({ load: rps(100) }));
      clock.advanceTo(3500);
      engine.setTables([
        { fromMs: 0, slots: ['b'] },
        { fromMs, slots: ['a'] },
      ]);
      engine.extendHorizon(6000);
      engine.start(0);
      clock.advanceTo(6000);
      expect(cuts[0]!.number).toBe(firstCut);
      expect(sum(cuts, 'notFired')).toBe(notFired);
      expect(Math.min(...runner.started.map(({ iteration }) => iteration))).toBe(Math.max(351, fromMs / 10));
    }
  });
});

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

describe('a load that changes in mid-run', () => {
  const terms = { ratePerSecond: null, workers: 5, durationMs: 4_000 };

  it('of a closed model is of so many users from there on, and ends when the newest table says', () => {
    const plan = aPlan({ load: { model: 'concurrent' }, workers: 2, durationMs: 60_000 });
    const { clock, cuts, engine, runner } = anEngine(plan, undefined, () => 100);
    engine.setTables(alone);
    engine.extendHorizon(2_000);
    engine.start(0);
    clock.advanceTo(1_000);
    expect(cuts[0]!.books.fired).toBe(20);
    const more = [...alone, { fromMs: 2_000, slots: ['a'], terms }];
    engine.setTables(more);
    engine.extendHorizon(3_000);
    clock.advanceTo(2_500);
    engine.setTables([...more, { fromMs: 3_000, slots: ['a'], terms: { ...terms, workers: 1 } }]);
    engine.extendHorizon(4_000);
    clock.advanceTo(6_000);
    // Those that are no longer needed end what they have begun, and nothing begins after the end.
    const startsFrom = (ms: number): number =>
      runner.started.filter(({ atMs }) => atMs >= ms && atMs < ms + 1_000).length;
    expect([1_000, 2_000, 3_000, 4_000].map(startsFrom)).toEqual([20, 50, 10, 0]);
    expect(sum(cuts, 'heldUserMs')).toBe(0);
  });
});

describe('closed model', () => {
  const closed = (workers: number) => aPlan({ load: { model: 'concurrent' }, workers, durationMs: 60_000 });

  it('each user runs one iteration after the other, before the horizon only', () => {
    const { clock, cuts, engine, runner } = anEngine(closed(3), undefined, () => 100);
    engine.setTables(alone);
    engine.extendHorizon(950);
    engine.start(0);
    clock.advanceTo(5000);
    expect(runner.started.length).toBe(30);
    expect(Math.max(...runner.started.map(({ atMs }) => atMs))).toBeLessThan(950);
    engine.extendHorizon(5250);
    clock.advanceTo(6000);
    expect(runner.started.slice(30).map(({ atMs }) => atMs)).toEqual([
      5000, 5000, 5000, 5100, 5100, 5100, 5200, 5200, 5200,
    ]);
    expect(runner.started.map(({ plannedMs, atMs }) => atMs - plannedMs)).toEqual(runner.started.map(() => 0));
    expect(cuts.map(({ books }) => books.fired)).toEqual([30, 0, 0, 0, 0]);
    // Each was ready at 1000, the end of its last iteration, and went on at 5000.
    clock.advanceTo(6000);
    engine.drain(5250, 9000);
    clock.advanceTo(9000);
    expect(sum(cuts, 'heldUserMs')).toBe(3 * 4000);
  });

  it('who is held back to the end of the plan was held back until then, and nobody is by a stop at the horizon', () => {
    for (const [atMs, heldUserMs] of [
      [6000, 3 * 5000],
      [1000, 0],
    ] as const) {
      const { clock, cuts, engine } = anEngine(closed(3), undefined, () => 100);
      engine.setTables(alone);
      engine.extendHorizon(1000);
      engine.start(0);
      clock.advanceTo(7000);
      engine.extendHorizon(atMs);
      engine.drain(atMs, 9000);
      clock.advanceTo(9000);
      expect(cuts.at(-1)!.final).toBe(true);
      expect([sum(cuts, 'heldUserMs'), sum(cuts, 'fired')]).toEqual([heldUserMs, 30]);
    }
  });

  it('users are held back by who owns them then, however many tables are heard at once, and by who joins late', () => {
    // a hears nothing from 1000 on; b takes its user over at 1500, and gives it back at 4000.
    const tables: StripeTable[] = [
      { fromMs: 0, slots: ['a'] },
      { fromMs: 1500, slots: ['b'] },
      { fromMs: 4000, slots: ['a'] },
    ];
    const heldBy = (node: string, startsAtMs: number): number => {
      const { clock, cuts, engine } = anEngine(closed(1), { node, index: 0, of: 1 }, () => 100);
      clock.advanceTo(startsAtMs);
      engine.setTables(tables.slice(0, startsAtMs === 0 ? 1 : 3));
      engine.extendHorizon(startsAtMs === 0 ? 1000 : 5000);
      engine.start(0);
      clock.advanceTo(4300);
      engine.setTables(tables);
      engine.extendHorizon(5000);
      engine.drain(5000, 6000);
      clock.advanceTo(6000);
      return sum(cuts, 'heldUserMs');
    };
    expect(heldBy('a', 0)).toBe(500 + 300);
    expect(heldBy('b', 2100)).toBe(600);
  });

  it('after a hold starts a bounded number of users at a time, and none of them is late by that hold', () => {
    const { clock, cuts, engine, runner } = anEngine(closed(1_200), undefined, () => 100);
    engine.setTables(alone);
    engine.extendHorizon(50);
    engine.start(0);
    clock.advanceTo(3000);
    expect(runner.started.length).toBe(1_200);
    engine.extendHorizon(3100);
    expect(runner.started.length).toBe(1_700);
    clock.advanceTo(4000);
    engine.drain(3100, 5000);
    clock.advanceTo(5000);
    expect(runner.started.length).toBe(2_400);
    expect(new Set(runner.started.slice(1_200).map(({ plannedMs }) => plannedMs))).toEqual(new Set([3000]));
    // Their first iterations ended 100 ms after each of three bursts at 0, 1 and 2 ms.
    expect(sum(cuts, 'heldUserMs')).toBe(500 * 2900 + 500 * 2899 + 200 * 2898);
  });

  it("a table moves users: who goes finishes, who comes starts at the table's instant", () => {
    const { clock, engine, runner } = anEngine(closed(4), undefined, () => 70);
    engine.setTables([{ fromMs: 0, slots: ['a', 'b'] }]);
    engine.extendHorizon(1000);
    engine.start(0);
    engine.setTables([
      { fromMs: 0, slots: ['a', 'b'] },
      { fromMs: 1000, slots: ['b', 'a'] },
    ]);
    engine.extendHorizon(2000);
    clock.advanceTo(2000);
    const users = (from: number, to: number) =>
      [...new Set(runner.started.filter(({ atMs }) => atMs >= from && atMs < to).map(({ user }) => user))].sort();
    expect(users(0, 1000)).toEqual([0, 2]);
    expect(users(1000, 2000)).toEqual([1, 3]);
    expect(runner.started.find(({ user }) => user === 1)).toMatchObject({ atMs: 1000, iteration: 0 });
  });

  it('iterations that fail before anything is sent neither hang the process nor stop their user', () => {
    const { clock, cuts, engine } = anEngine(closed(2), undefined, () => NaN);
    engine.setTables(alone);
    engine.extendHorizon(5000);
    engine.start(0);
    clock.advanceTo(1000);
    expect(cuts[0]!.books.failed).toBeGreaterThan(1000);
    expect(cuts[0]!.books.failed).toBeLessThanOrEqual(2100);
  });
});

describe('start', () => {
  it('is reported once, at the instant itself, even when the first own arrival comes much later', () => {
    const { clock, engine, starts } = anEngine(aPlan({ load: rps(1) }));
    engine.setTables([{ fromMs: 0, slots: ['b', 'a'] }]);
    engine.extendHorizon(20_000);
    // No multiple of the longest sleep: only a timer for the start itself hits it.
    engine.start(507);
    clock.advanceTo(506);
    expect(starts).toEqual([]);
    clock.advanceTo(8000);
    expect(starts).toEqual([{ lateMs: 0, afterCuts: 0 }]);
  });

  it('is reported as late as the loop passed it, before any cut: after a pause, and by one who joins', () => {
    const paused = anEngine(aPlan());
    paused.engine.setTables(alone);
    paused.engine.extendHorizon(20_000);
    paused.engine.start(500);
    paused.clock.advanceTo(400);
    paused.clock.pauseUntil(1840);
    paused.clock.advanceTo(4000);
    expect(paused.starts).toEqual([{ lateMs: 1340, afterCuts: 0 }]);
    const joined = anEngine(aPlan());
    joined.clock.advanceTo(3500);
    joined.engine.start(0);
    joined.engine.extendHorizon(20_000);
    expect(joined.starts).toEqual([]);
    joined.engine.setTables(alone);
    joined.clock.advanceTo(5000);
    expect(joined.starts).toEqual([{ lateMs: 3500, afterCuts: 0 }]);
  });

  it('a corrected start is approached by at most half a percent, and the seconds stay whole', () => {
    const { clock, cuts, engine, runner } = anEngine(aPlan({ load: rps(1000), durationMs: 60_000 }));
    engine.setTables(alone);
    engine.extendHorizon(60_000);
    engine.start(0);
    clock.advanceTo(1000);
    engine.start(50);
    clock.advanceTo(12_000);
    expect(cuts.map(({ books }) => books.fired)).toEqual(cuts.map(() => 1000));
    const at = (iteration: number) => runner.started.find((each) => each.iteration === iteration)!.atMs;
    expect(at(5000) - at(4000)).toBeGreaterThanOrEqual(1000);
    expect(at(5000) - at(4000)).toBeLessThanOrEqual(1008);
    expect(at(11_900)).toBeCloseTo(11_950, -1);
  });
});
