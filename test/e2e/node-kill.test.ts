import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../node/src/results/report.ts';
import { TestCluster } from './support/cluster.ts';
import { ForeignLoad } from './support/foreign-load.ts';
import { type Hits, monotonicNowMs, startRecorder, startWitness, warmUpRecorder } from './support/helpers.ts';
import { type Arrival, type Gap, gapsOf, lostBetween } from './support/pauses.ts';

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
  { victim: 'follower', ratePerSecond: 500, durationMs: 7_000, killAtMs: 2500 },
];
const horizonMs = 1500;
/**
 * Detection and the next table, with `lan` timings. A leader's end is known in milliseconds (raft/fast-election.ts), the rest is a
 * connection that has to stay down for 100 ms and a coordinator that looks every 50. What an idle process lost comes on top.
 */
const detectionMs = 300;
const longestPauseMs = 50;
/**
 * The dead node's last requests: late by what its generator was late, or sent and not yet read by the target. It moves what is
 * missing to before the kill, and makes it no longer than promised.
 */
const unreadMs = 60;
/** Where others take more of the machine than this, a generator (of low priority) is theirs to hold up. */
const foreignShareOfQuiet = 0.1;
/**
 * Where an idle process of normal priority lost more than this, the machine stood still, and a generator behind it waits for all that has
 * piled up at normal priority too: seen are 95 ms where the idle process lost 31. Such a run is repeated.
 */
const lostMsOfQuiet = 20;
const attempts = 3;

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

interface Seen {
  readonly report: RunReport;
  readonly hits: Hits;
  readonly dead: string;
  readonly killedAtMs: number;
  readonly gaps: (survivor: number, arrivals: readonly Arrival[]) => readonly Gap[];
  /** Of the whole run. */
  readonly foreignShare: number;
  /** By an idle process, from the kill until the survivors had to have the next table. */
  readonly lostAtKillMs: number;
}

interface Outcome extends Seen {
  readonly killedMs: number;
  readonly missing: readonly number[];
  /** When the first and the last of them were due, from the kill on. */
  readonly missingFromMs: number;
  readonly missingToMs: number;
  /** Of the survivors, longest first. */
  readonly longest: readonly Gap[];
}

async function runOnce(each: Case): Promise<Outcome> {
  const { victim, durationMs, killAtMs } = each;
  const witness = startWitness();
  const recorder = await startRecorder();
  await warmUpRecorder(recorder.baseUrl);
  const cluster = await TestCluster.start(3);
  const foreign = new ForeignLoad();
  try {
    await cluster.submit(plan(recorder.baseUrl, each), 'leader-kill');
    await cluster.runReaches('running', killAtMs + 15_000, killAtMs);
    const leader = await cluster.leader();
    const dead = victim === 'leader' ? leader : cluster.members.find(({ id }) => id !== leader)!.id;
    const killedAtMs = monotonicNowMs();
    await cluster.processes.kill(dead, 'SIGKILL');
    await cluster.runReaches('finished', durationMs + 15_000);
    foreign.stop();
    const [report, hits] = [await cluster.report(), await recorder.hits()];
    const pauses = [...(await witness.pauses()), hits.pauses];
    const gaps = (survivor: number, arrivals: readonly Arrival[]): Gap[] => gapsOf(survivor, arrivals, pauses, foreign);
    const lostAtKillMs = lostBetween(pauses, killedAtMs, killedAtMs + detectionMs);
    return judge(each, { report, hits, dead, killedAtMs, gaps, foreignShare: foreign.share, lostAtKillMs });
  } catch (error) {
    throw new Error(`${String(error)}\n${cluster.processes.lastWords()}`, { cause: error });
  } finally {
    foreign.stop();
    await cluster.stop();
    await recorder.stop();
    await witness.stop();
  }
}

const plannedMs = (number: number, { ratePerSecond }: Case): number => (number * 1000) / ratePerSecond;
const plannedCount = ({ ratePerSecond, durationMs }: Case): number => (ratePerSecond * durationMs) / 1000;

function judge(each: Case, seen: Seen): Outcome {
  const { report, hits, killedAtMs } = seen;
  const arrivals = hits.numbers
    .map((number, index) => ({ number, atMs: hits.instantsMs[index]! }))
    .sort((a, b) => a.atMs - b.atMs);
  const startMs = Math.min(...arrivals.map(({ number, atMs }) => atMs - plannedMs(number, each)));
  const killedMs = killedAtMs - startMs;
  const arrived = new Set(hits.numbers);
  const missing = Array.from({ length: plannedCount(each) }, (_, number) => number).filter((n) => !arrived.has(n));
  const deadStripe = (missing[0] ?? 0) % 3;
  const survivors = [0, 1, 2].filter((stripe) => stripe !== deadStripe);
  const takeoverMs = report.stripeChanges[0]?.fromMs ?? Infinity;
  /** Stripes are by number: of three, and of two from the takeover on, the survivors in the order they had. */
  const ownerOf = (number: number): number =>
    plannedMs(number, each) < takeoverMs ? number % 3 : survivors[number % 2]!;
  const inTime = arrivals.filter(({ atMs }) => atMs < startMs + each.durationMs);
  const longest = survivors
    .flatMap((survivor) =>
      seen.gaps(
        survivor,
        inTime.filter(({ number }) => ownerOf(number) === survivor),
      ),
    )
    .map((gap) => ({ ...gap, fromMs: gap.fromMs - startMs }))
    .sort((a, b) => b.gapMs - a.gapMs);
  const sinceKillMs = (number: number | undefined): number => plannedMs(number ?? NaN, each) - killedMs;
  return {
    ...{ ...seen, killedMs, missing, longest },
    missingFromMs: sinceKillMs(missing[0]),
    missingToMs: sinceKillMs(missing.at(-1)),
  };
}

/** Longer than promised, by more than an idle process lost meanwhile. */
const tooLong = ({ longest }: Outcome): readonly Gap[] =>
  longest.filter(({ gapMs, machineLostMs }) => gapMs - machineLostMs > longestPauseMs);
const isOurs = ({ foreignShare, machineLostMs }: Gap): boolean =>
  foreignShare <= foreignShareOfQuiet && machineLostMs <= lostMsOfQuiet;
const isClean = (outcome: Outcome): boolean => tooLong(outcome).length === 0;

describe.each(cases)('SIGKILL of a $victim in mid-run at $ratePerSecond iterations/s', (each) => {
  const { victim, ratePerSecond } = each;
  const outcomes: Outcome[] = [];

  beforeAll(async () => {
    while (outcomes.length < attempts && !outcomes.some(isClean)) outcomes.push(await runOnce(each));
  }, attempts * 120_000);

  afterAll(() => {
    for (const { dead, hits, missing, missingFromMs, missingToMs, lostAtKillMs, longest, foreignShare } of outcomes) {
      const counts = { planned: plannedCount(each), arrived: hits.numbers.length, missing: missing.length };
      const measured = { missingFromMs, missingToMs, lostAtKillMs, foreignShare, longestPauses: longest.slice(0, 5) };
      console.log(JSON.stringify({ victim, dead, ...counts, ...measured }));
    }
  });

  const eachOutcome = (check: (outcome: Outcome) => void) => (): void => {
    expect(outcomes.length).toBeGreaterThan(0);
    outcomes.forEach(check);
  };

  it(
    'no arrival number reaches the target twice',
    eachOutcome(({ hits }) => {
      expect(hits.overflowed).toBe(false);
      expect(new Set(hits.numbers).size).toBe(hits.numbers.length);
      expect(Math.max(...hits.numbers)).toBeLessThan(plannedCount(each));
    }),
  );

  it(
    'what is missing is the dead node’s own stripe, for at most the horizon plus 300 ms',
    eachOutcome(({ missing, missingFromMs, missingToMs, lostAtKillMs }) => {
      expect(missing.length).toBeGreaterThan(0);
      expect(new Set(missing.map((number) => number % 3)).size).toBe(1);
      const longestMs = horizonMs + detectionMs + lostAtKillMs;
      expect(missingToMs).toBeLessThan(longestMs);
      expect(missingToMs - missingFromMs).toBeLessThan(longestMs);
      expect(missingFromMs).toBeGreaterThan(-unreadMs);
    }),
  );

  it('no survivor pauses for longer than 50 ms beyond what an idle process lost at that moment', (context) => {
    eachOutcome((outcome) => expect(tooLong(outcome).filter(isOurs)).toEqual([]))();
    if (outcomes.some(isClean)) return;
    const shares = outcomes.map(({ foreignShare }) => `${Math.round(foreignShare * 100)} %`).join(' and ');
    const message =
      `NOT CHECKED: other processes used ${shares} of this machine in ${attempts} runs, and during each pause over ` +
      `${longestPauseMs} ms more than ${foreignShareOfQuiet * 100} %, or it stood still; repeat this on a quiet machine`;
    // CI has its machine for itself; if it does not, nobody would see that this is never checked.
    if (process.env.CI) throw new Error(message);
    console.warn(message);
    context.skip(message);
  });

  it(
    'the report names the loss, and its books balance',
    eachOutcome(({ report, dead, killedMs, lostAtKillMs }) => {
      expect(report.run.state).toBe('finished');
      expect(report.books.planned).toBe(plannedCount(each));
      expect(report.books.balanced).toBe(true);
      expect(report.books.dropped).toBe(0);
      const lost = report.nodes.filter((node) => node.lost !== null);
      expect(lost.map((node) => node.node)).toEqual([dead]);
      // At most its last two seconds of measurements, and its stripe until the horizon.
      expect(lost[0]!.lost!.fromMs).toBeGreaterThanOrEqual(killedMs - 2000 - unreadMs);
      expect(lost[0]!.lost!.toMs).toBeLessThan(killedMs + horizonMs + detectionMs + lostAtKillMs);
      expect(report.verdict.kind).toBe('degraded');
      expect(report.verdict.reasons.join(' ')).toContain(dead);
    }),
  );

  it(
    'what the report counts as answered reached the target',
    eachOutcome(({ report, hits }) => {
      expect(report.books.answered).toBeLessThanOrEqual(hits.numbers.length);
      expect(report.books.answered).toBeGreaterThanOrEqual(hits.numbers.length - (ratePerSecond / 3) * 2.1);
    }),
  );
});
