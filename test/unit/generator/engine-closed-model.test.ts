import { describe, expect, it } from 'vitest';
import type { StripeTable } from '../../../node/src/generator/schedule/types.ts';
import { aPlan } from './fixtures.ts';
import { anEngine, alone, sum } from './an-engine.ts';

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
