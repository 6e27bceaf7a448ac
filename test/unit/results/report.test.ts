import { describe, expect, it } from 'vitest';
import { exitCodeMeanings, exitCodes } from '../../../node/src/lib/exit-codes.ts';
import { buildReport, exitCodeOf } from '../../../node/src/results/build-report.ts';
import { degradedInput, input, measured, node } from './sample.ts';

describe('figures', () => {
  it('are those of all regions together, and each region has its own', () => {
    const regions = ['eu', 'us'].map((region) => ({ region, measurements: measured(1_000) }));
    const report = buildReport(input({ regions }));
    expect(report.totals).toMatchObject({
      requests: 6_000,
      requestsPerSecond: 300,
      iterations: 4_000,
      bytesSent: 1_200_000,
    });
    expect(report.scenarios[0]!.steps[1]).toMatchObject({
      name: 'show one product',
      requests: 2_000,
      statuses: { 200: 2_000 },
    });
    expect(report.regions.map(({ scenarios }) => scenarios[0]!.steps[0]!.requests)).toEqual([1_000, 1_000]);
  });

  it('are in milliseconds', () => {
    const { response, lateness } = buildReport(input()).totals;
    expect(response.min).toBe(1);
    expect(response.p50).toBeCloseTo(50.5, 0);
    expect(response.max).toBeCloseTo(99.9, 1);
    expect(lateness.max).toBe(0.5);
  });

  it('of nothing are zero, not NaN: a report is JSON', () => {
    const report = buildReport(input({ regions: [], nodes: [], firedPerSecond: [], endedPerSecond: [] }));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.totals.response.count).toBe(0);
  });
});

describe('the time that is counted of a node', () => {
  it.each([
    ['to the end, and on while iterations were in flight', { intervals: 23, lastInterval: 22 }, 20_000],
    ['in the last second only', { intervals: 1, lastInterval: 19 }, 1_000],
    ['from where it joined', { intervals: 8, lastInterval: 20 }, 7_000],
    ['up to where it was lost', { intervals: 10, lastInterval: 9 }, 10_000],
    ['never', { intervals: 0, lastInterval: -1 }, 0],
    ['after the end alone', { intervals: 1, lastInterval: 25 }, 0],
  ])('is that of the run: measured %s', (_when, rest, countedMs) => {
    expect(buildReport(input({ nodes: [node('a', {}, rest)] })).nodes[0]!.countedMs).toBe(countedMs);
  });
});

describe('the books', () => {
  it('balance when both lines add up', () => {
    expect(buildReport(input()).books).toMatchObject({ planned: 2_000, fired: 2_000, unanswered: 0, balanced: true });
    expect(buildReport(degradedInput()).books).toMatchObject({ lost: 195, unanswered: 3, balanced: true });
  });

  it.each([
    ['an arrival too many is planned', { planned: 2_001 }],
    ['an arrival is accounted for twice', { planned: 1_999 }],
    ['an iteration ended that never began', { nodes: [node('a', { fired: 2_000, answered: 2_001 })] }],
    [
      'an iteration is in flight and answered',
      { nodes: [node('a', { fired: 2_000, answered: 2_000 }, { inFlight: 1 })] },
    ],
  ])('do not balance when %s, and the verdict says so', (_what, change) => {
    const report = buildReport(input(change));
    expect(report.books.balanced).toBe(false);
    expect(report.verdict).toMatchObject({ kind: 'degraded', reasons: [expect.stringContaining('do not balance')] });
  });

  it('have one line only in a closed model', () => {
    expect(buildReport(input({ planned: null })).books.balanced).toBe(true);
  });

  it('are open until the run is settled, without a verdict on that', () => {
    const report = buildReport(input({ settled: false }));
    expect(report.books.balanced).toBe(false);
    expect(report.verdict.kind).toBe('valid');
  });
});

describe('the verdict and its exit code', () => {
  it('while the run is on is not valid: only what has gone wrong is certain', () => {
    const run = { ...input().run, state: 'running', ended: null };
    const report = buildReport(input({ run, settled: false }));
    expect(report.verdict).toEqual({ kind: 'running', reasons: [] });
    expect(exitCodeOf(report)).not.toBe(0);
    const nodes = [node('a', { fired: 900, answered: 900, notFired: 100 })];
    expect(buildReport(input({ run, settled: false, nodes })).verdict.kind).toBe('degraded');
  });

  it('says when there was no majority, and what was due then; a trace of it does not condemn a run', () => {
    const span = { agreedMs: 6_200, fromMs: 7_700, toMs: 12_100, arrivals: 440 };
    const nodes = [node('a', { fired: 1_550, answered: 1_550, notFired: 450 })];
    const { verdict, withoutMajority } = buildReport(input({ nodes, withoutMajority: [span] }));
    expect(verdict).toEqual({
      kind: 'degraded',
      reasons: [
        'there was no leader with a majority of the nodes from 6.2 s to 12.1 s of the run: ' +
          'nothing could be started from 7.7 s on, and 440 planned iterations were due then',
        '450 planned iterations were not started (a: 450): there was no majority, a node was beyond its horizon, or joined late',
      ],
    });
    expect(withoutMajority).toEqual([span]);
    const short = { ...span, toMs: 7_710, arrivals: 1 };
    expect(buildReport(input({ withoutMajority: [short] })).verdict.kind).toBe('valid');
    const closed = buildReport(input({ planned: null, withoutMajority: Array(5).fill({ ...span, arrivals: null }) }));
    expect(closed.verdict.reasons[0]).toMatch(/from 7\.7 s on$/);
    expect(closed.verdict.reasons.slice(3)).toEqual(['there was none 2 more times']);
  });

  it('a closed model that lost users with a generator is degraded, though nothing was planned ahead', () => {
    const nodes = [node('a', { fired: 90, answered: 82, failed: 8, lost: 5 })];
    const report = buildReport(input({ planned: null, nodes }));
    expect(report.books.balanced).toBe(true);
    expect(report.verdict).toEqual({ kind: 'degraded', reasons: ['5 users were lost with a generator that failed'] });
    expect(exitCodeOf(report)).toBe(121);
  });

  it('valid, 0: failed requests are a finding about the target', () => {
    const measurements = measured(1_000);
    measurements.scenarios[0]!.steps[0]!.failed = 1_000;
    const report = buildReport(input({ regions: [{ region: 'eu', measurements }] }));
    expect(report.verdict).toEqual({ kind: 'valid', reasons: [] });
    expect(exitCodeOf(report)).toBe(0);
  });

  it.each([
    [30, 'valid', 0],
    [31, 'generator-limited', 120],
  ])('%d of 3,000 requests late by more than 100 ms: %s, %d', (late, kind, code) => {
    const measurements = measured(1_000);
    const histogram = measurements.scenarios[0]!.steps[0]!.latenessUs;
    histogram.reset();
    histogram.record(500, 1_000 - late);
    histogram.record(150_000, late);
    const report = buildReport(input({ regions: [{ region: 'eu', measurements }] }));
    expect(report.verdict.kind).toBe(kind);
    expect(exitCodeOf(report)).toBe(code);
  });

  it.each([
    ['dropped', 2, 'valid', 0],
    ['dropped', 3, 'generator-limited', 120],
    ['notFired', 2, 'valid', 0],
    ['notFired', 3, 'degraded', 121],
    ['lost', 1, 'degraded', 121],
  ])('%s %d of 2,000 planned: %s, %d', (line, count, kind, code) => {
    const fired = 2_000 - count;
    const report = buildReport(input({ nodes: [node('a', { fired, answered: fired, [line]: count })] }));
    expect(report.verdict.kind).toBe(kind);
    expect(report.books.balanced).toBe(true);
    expect(exitCodeOf(report)).toBe(code);
  });

  it('names the nodes that did not start what was planned, and how much of it', () => {
    const nodes = [
      node('a', { fired: 1_000, answered: 1_000 }),
      node('b', { fired: 900, answered: 900, notFired: 10 }),
      node('c', { fired: 10, answered: 10, notFired: 80 }),
    ];
    expect(buildReport(input({ nodes })).verdict.reasons).toEqual([
      '90 planned iterations were not started (c: 80, b: 10): a node was beyond its horizon, or joined late',
    ]);
  });

  it.each([
    [100, 'valid', []],
    [
      101,
      'degraded',
      [
        'users were held back for 0.1 s of the 100.0 s that all of them had together (b: 0.1 s): ' +
          'a node was beyond its horizon, or joined late',
      ],
    ],
  ])('%d ms of the 100 s that 5 users have in 20 s held back: %s', (heldUserMs, kind, reasons) => {
    const nodes = [node('a', { fired: 90, answered: 90 }), node('b', { fired: 80, answered: 80, heldUserMs })];
    const report = buildReport(input({ planned: null, users: 5, nodes }));
    expect(report.verdict).toEqual({ kind, reasons });
    expect(report.books).toMatchObject({ planned: null, plannedUserMs: 100_000, heldUserMs, balanced: true });
  });

  it.each([
    [2, 'valid', 0, []],
    [
      3,
      'degraded',
      121,
      [
        '3 of 2000 iterations were given up unanswered when their time to finish was over: their times are missing, and ' +
          'the percentiles look the better for it (the target hangs, or an iteration takes longer than that)',
      ],
    ],
  ])('%d of 2,000 iterations given up at the deadline: %s, %d', (inFlight, kind, code, reasons) => {
    const nodes = [node('a', { fired: 2_000, answered: 2_000 - inFlight }, { inFlight })];
    const report = buildReport(input({ nodes }));
    expect(report.books).toMatchObject({ unanswered: inFlight, balanced: true });
    expect(report.verdict).toEqual({ kind, reasons });
    expect(exitCodeOf(report)).toBe(code);
  });

  it('iterations in flight are given up only once the run has ended, and those of a lost node are named with it', () => {
    const nodes = [node('a', { fired: 2_000, answered: 1_900 }, { inFlight: 100, state: 'running' })];
    const run = { ...input().run, state: 'draining', ended: null };
    expect(buildReport(input({ run, nodes, settled: false })).verdict.kind).toBe('running');
    const lost = { state: 'lost', lost: { fromMs: 9_000, toMs: 20_000, arrivals: 0 } } as const;
    expect(buildReport(input({ nodes: [{ ...nodes[0]!, ...lost }] })).verdict.reasons).toEqual([
      expect.stringContaining('node a was lost'),
    ]);
  });

  it('a lost node weighs more than late requests, and both are named', () => {
    const late = degradedInput();
    late.regions[0]!.measurements.scenarios[0]!.steps[0]!.latenessUs.record(200_000, 400);
    const { kind, reasons } = buildReport(late).verdict;
    expect(kind).toBe('degraded');
    expect(reasons).toEqual([
      expect.stringContaining('node b was lost'),
      expect.stringContaining('400 of 3100 requests'),
    ]);
  });

  it('a node that is lost with nothing but iterations in flight is named too', () => {
    const lost = node(
      'b',
      { fired: 1_000, answered: 999 },
      { state: 'lost', inFlight: 1, lost: { fromMs: 9_000, toMs: 9_000, arrivals: 0 } },
    );
    const report = buildReport(input({ nodes: [node('a', { fired: 1_000, answered: 1_000 }), lost] }));
    expect(report.verdict).toEqual({ kind: 'degraded', reasons: ['node b was lost with 1 iterations in flight'] });
  });

  it('stopped from outside is 105 before anything else, aborted is 123', () => {
    const { run, verdict } = buildReport(degradedInput());
    expect(exitCodeOf({ run: { ...run, ended: 'stopped' }, verdict })).toBe(105);
    expect(exitCodeOf({ run: { ...run, state: 'aborted', ended: 'nobody has the time' }, verdict })).toBe(123);
    expect(exitCodeOf({ run: { ...run, state: 'aborted', ended: 'stopped' }, verdict })).toBe(105);
  });

  it('99 is kept for thresholds, and no verdict ends with it yet: whoever reads the table is told', () => {
    const { run } = buildReport(input());
    const kinds = ['valid', 'running', 'generator-limited', 'degraded', 'aborted'] as const;
    const ends = kinds.map((kind) => exitCodeOf({ run, verdict: { kind, reasons: [] } }));
    expect(ends).not.toContain(exitCodes.thresholdsFailed);
    expect(exitCodeMeanings[exitCodes.thresholdsFailed]).toContain('not supported yet');
  });

  it('every exit code has a meaning', () => {
    expect(Object.keys(exitCodeMeanings)).toEqual(Object.values(exitCodes).map(String));
  });
});
