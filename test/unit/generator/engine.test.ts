import { describe, expect, it } from 'vitest';
import { aPlan } from './fixtures.ts';
import { anEngine, rps, alone, sum } from './an-engine.ts';

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
