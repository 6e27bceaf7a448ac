import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../node/src/results/report.ts';
import { TestCluster } from './support/cluster.ts';
import { type Hits, monotonicNowMs, type Pause, startRecorder, startWitness } from './support/helpers.ts';

/**
 * The promise, on real processes: three nodes, one of them killed with SIGKILL in mid-run. What arrived is judged by the target's
 * own record, not by what tutti says of itself.
 */
interface Case {
  readonly victim: 'leader' | 'follower';
  readonly ratePerSecond: number;
  readonly durationMs: number;
  readonly killAtMs: number;
}
const cases: readonly Case[] = [
  { victim: 'leader', ratePerSecond: 2000, durationMs: 30_000, killAtMs: 15_000 },
  { victim: 'follower', ratePerSecond: 500, durationMs: 10_000, killAtMs: 5000 },
];
const horizonMs = 1500;
/** Detection and the next table, with `lan` timings. */
const detectionMs = 300;
const longestPauseMs = 50;
/** A request that was sent and whose node died before the target read it, and the error of guessing the start from arrivals. */
const toleranceMs = 60;

const plan = (baseUrl: string, { durationMs, ratePerSecond }: Case): string => `
version: "1.0"
config:
  baseUrl: ${baseUrl}
  duration: ${durationMs / 1000}s
load: { model: rps, target: ${ratePerSecond} }
scenarios:
  - name: hit
    steps:
      - request: { method: GET, path: "/hit/\${iteration}" }
`;

interface Arrival {
  readonly number: number;
  readonly atMs: number;
}

describe.each(cases)('SIGKILL of a $victim in mid-run at $ratePerSecond iterations/s', (each) => {
  const { victim, ratePerSecond, durationMs, killAtMs } = each;
  let report: RunReport;
  let arrivals: readonly Arrival[];
  let pauses: readonly Pause[];
  let hits: Hits;
  let killedAtMs: number;
  let startMs: number;
  let dead: string;

  beforeAll(async () => {
    const witness = startWitness();
    const recorder = await startRecorder();
    const cluster = await TestCluster.start(3);
    try {
      await cluster.submit(plan(recorder.baseUrl, each), 'leader-kill');
      await cluster.runReaches('running', killAtMs + 15_000, killAtMs);
      const leader = await cluster.leader();
      dead = victim === 'leader' ? leader : cluster.members.find(({ id }) => id !== leader)!.id;
      killedAtMs = monotonicNowMs();
      await cluster.processes.kill(dead, 'SIGKILL');
      await cluster.runReaches('finished', durationMs + 15_000);
      report = await cluster.report();
      hits = await recorder.hits();
      pauses = await witness.pauses();
    } catch (error) {
      throw new Error(`${String(error)}\n${cluster.processes.lastWords()}`, { cause: error });
    } finally {
      await cluster.stop();
      await recorder.stop();
      await witness.stop();
    }
    arrivals = hits.numbers
      .map((number, index) => ({ number, atMs: hits.instantsMs[index]! }))
      .sort((a, b) => a.atMs - b.atMs);
    startMs = Math.min(...arrivals.map(({ number, atMs }) => atMs - plannedMs(number)));
  }, 120_000);

  afterAll(() => {
    const missing = missingNumbers();
    console.log(
      JSON.stringify({
        victim,
        dead,
        planned: plannedCount,
        arrived: arrivals.length,
        missing: missing.length,
        missingSpanMs: spanOf(missing),
        longestPauses: survivorPauses().slice(0, 5),
      }),
    );
  });

  const plannedMs = (number: number): number => (number * 1000) / ratePerSecond;
  const plannedCount = (ratePerSecond * durationMs) / 1000;
  const killedMs = (): number => killedAtMs - startMs;
  const missingNumbers = (): number[] => {
    const seen = new Set(arrivals.map(({ number }) => number));
    return Array.from({ length: plannedCount }, (_, number) => number).filter((number) => !seen.has(number));
  };
  const spanOf = (numbers: readonly number[]): readonly number[] =>
    numbers.length === 0 ? [] : [plannedMs(numbers[0]!) - killedMs(), plannedMs(numbers.at(-1)!) - killedMs()];

  /** Gaps between the arrivals of the stripes that stayed, longest first, less what the witness lost in them. */
  function survivorPauses(): readonly {
    readonly atMs: number;
    readonly gapMs: number;
    readonly machineLostMs: number;
  }[] {
    const deadStripe = (missingNumbers()[0] ?? 0) % 3;
    const survivors = arrivals.filter(({ number, atMs }) => number % 3 !== deadStripe && atMs < startMs + durationMs);
    return survivors
      .slice(1)
      .map(({ atMs }, index) => ({
        atMs: atMs - startMs,
        gapMs: atMs - survivors[index]!.atMs,
        machineLostMs: lostBetween(survivors[index]!.atMs, atMs),
      }))
      .sort((a, b) => b.gapMs - a.gapMs);
  }

  function lostBetween(fromMs: number, toMs: number): number {
    return pauses
      .filter((pause) => pause.atMs >= fromMs && pause.atMs - pause.lostMs <= toMs)
      .reduce((sum, pause) => sum + pause.lostMs, 0);
  }

  it('no arrival number reaches the target twice', () => {
    expect(hits.overflowed).toBe(false);
    expect(new Set(hits.numbers).size).toBe(hits.numbers.length);
    expect(Math.max(...hits.numbers)).toBeLessThan(plannedCount);
  });

  it('what is missing is the dead node’s own stripe, for at most the horizon plus 300 ms', () => {
    const missing = missingNumbers();
    expect(missing.length).toBeGreaterThan(0);
    expect(new Set(missing.map((number) => number % 3)).size).toBe(1);
    const [from, to] = spanOf(missing) as [number, number];
    expect(from).toBeGreaterThan(-toleranceMs);
    expect(to).toBeLessThan(horizonMs + detectionMs + toleranceMs);
  });

  it('the survivors never pause for longer than 50 ms beyond what an idle process lost at that moment', () => {
    expect(survivorPauses().filter(({ gapMs, machineLostMs }) => gapMs - machineLostMs > longestPauseMs)).toEqual([]);
  });

  it('the report names the loss, and its books balance', () => {
    expect(report.run.state).toBe('finished');
    expect(report.books.planned).toBe(plannedCount);
    expect(report.books.balanced).toBe(true);
    expect(report.books.dropped).toBe(0);
    const lost = report.nodes.filter((node) => node.lost !== null);
    expect(lost.map((node) => node.node)).toEqual([dead]);
    // At most its last two seconds of measurements, and its stripe until the horizon.
    expect(lost[0]!.lost!.fromMs).toBeGreaterThanOrEqual(killedMs() - 2000 - toleranceMs);
    expect(lost[0]!.lost!.toMs).toBeLessThan(killedMs() + horizonMs + detectionMs + toleranceMs);
    expect(report.verdict.kind).toBe('degraded');
    expect(report.verdict.reasons.join(' ')).toContain(dead);
  });

  it('what the report counts as answered reached the target', () => {
    expect(report.books.answered).toBeLessThanOrEqual(arrivals.length);
    expect(report.books.answered).toBeGreaterThanOrEqual(arrivals.length - (ratePerSecond / 3) * 2.1);
  });
});
