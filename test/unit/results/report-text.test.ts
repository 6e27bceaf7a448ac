import { describe, expect, it } from 'vitest';
import { buildReport, type ReportInput } from '../../../node/src/results/build-report.ts';
import {
  formatBytes,
  formatCount,
  formatMs,
  formatRate,
  formatRunTime,
  formatShare,
} from '../../../node/src/results/format.ts';
import { renderReport } from '../../../node/src/results/report-text.ts';
import { layOut, sparkline, wrap } from '../../../node/src/results/text-layout.ts';
import { degradedInput, input, measured, node } from './sample.ts';

const text = (given: ReportInput, width = 100, color = false): string =>
  renderReport(buildReport(given), { width, color });

describe('the page', () => {
  it('of a valid run, in 80 columns', async () => {
    await expect(text(input(), 80)).toMatchFileSnapshot('golden/valid-80.txt');
  });

  it('of a run that lost a node, in 100 columns', async () => {
    await expect(text(degradedInput())).toMatchFileSnapshot('golden/degraded-100.txt');
  });

  it('of a closed run that is on', async () => {
    const run = { ...input().run, state: 'running', ended: null, durationMs: 3_000, plannedDurationMs: 20_000 };
    const nodes = [node('a', { fired: 90, answered: 80 }, { state: 'running', inFlight: 10, startedLateMs: null })];
    const given = input({ run, nodes, planned: null, settled: false, firedPerSecond: [30, 30, 30] });
    await expect(text(given)).toMatchFileSnapshot('golden/running-closed.txt');
  });

  it('names the spans without a majority, each with its cost, the first ten of them', () => {
    const span = { agreedMs: 6_200, fromMs: 7_700, toMs: 12_100, arrivals: 4_400 };
    const spans = [span, ...Array.from({ length: 11 }, () => ({ ...span, arrivals: null }))];
    const lines = text(input({ withoutMajority: spans }), 200).split('\n');
    const at = lines.indexOf('no leader with a majority of the nodes');
    expect(lines.slice(at + 1, at + 3)).toEqual([
      '  from 6.2 s to 12.1 s: nothing started from 7.7 s on, 4,400 iterations due',
      '  from 6.2 s to 12.1 s: nothing started from 7.7 s on',
    ]);
    expect(lines[at + 11]).toBe('  and 2 more times (in the JSON)');
  });

  it('of a run that was stopped says of which part it judges, and how much was planned', () => {
    const run = { ...input().run, durationMs: 5_400, ended: 'stopped' };
    const page = text(input({ run }), 200);
    expect(page).toContain('5.4 s of 20.0 s  ·  stopped');
    expect(page).toContain(
      'VALID UNTIL IT WAS STOPPED at 5.4 s of 20.0 s: up to there the load was sent as planned, and every measurement is in',
    );
    expect(page).toContain('  planned until the stop 2,000 = 2,000 fired');
    const late = text({ ...degradedInput(), run }, 200);
    expect(late).toContain(
      'DEGRADED, AND STOPPED at 5.4 s of 20.0 s: part of the load or of its measurements is missing',
    );
  });

  it('says what is in no percentile: requests without an answer, iterations unanswered at the end', () => {
    const measurements = measured(10);
    measurements.scenarios[0]!.steps[0]!.requests += 5;
    const regions = [{ region: 'eu', measurements }];
    const nodes = [node('a', { fired: 2_000, answered: 1_998 }, { inFlight: 2 })];
    expect(text(input({ regions, nodes }), 200)).toContain(
      'Not in these times: 5 requests that got no answer (errors, below) and 2 iterations still unanswered at the end.',
    );
    expect(text(input())).not.toContain('Not in these times');
  });

  it('tells requests that were never sent from those without an answer, and what was not extracted where', () => {
    const measurements = measured(10);
    const [first, second] = measurements.scenarios[0]!.steps;
    first!.extractionsFailed = 4;
    second!.requests += 5;
    second!.errors.set('template_error', 3).set('timeout_error', 2);
    const page = text(input({ regions: [{ region: 'eu', measurements }] }), 200);
    expect(page).toContain(
      'Not in these times: 2 requests that got no answer and 3 that were never sent, for want of a variable (errors, below).',
    );
    expect(page).toContain(
      [
        '  template_error  3  the request could not be built: a variable was missing',
        '  timeout_error   2  no whole answer within the timeout',
        '  not extracted   4  values of which an answer did not hold exactly one (list products: 4)',
      ].join('\n'),
    );
    second!.errors.delete('timeout_error');
    second!.requests -= 2;
    expect(text(input({ regions: [{ region: 'eu', measurements }] }), 200)).toContain(
      'Not in these times: 3 requests that were never sent, for want of a variable (errors, below).',
    );
  });

  it('says for how long users were held back, beside the books', () => {
    const nodes = [node('a', { fired: 90, answered: 90, heldUserMs: 12_340 })];
    expect(text(input({ planned: null, users: 5, nodes }))).toContain('  users held back for 12.3 s, all together');
  });

  it('says who was not there when the run began', () => {
    expect(text(input({ missing: ['c', 'h:7400'] }))).toContain('  not there when the run began: c, h:7400');
    expect(text(input())).not.toContain('not there');
  });

  it('colours nothing it is not asked to, and the same text otherwise', () => {
    const colored = text(degradedInput(), 100, true);
    expect(colored).toContain('\u001b[31mDEGRADED');
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(text(degradedInput()));
  });

  it('keeps within 80 columns, even with long names', () => {
    const plan = {
      scenarios: input().plan.scenarios.map((each) => ({
        ...each,
        steps: each.steps.map(() => ({ name: 'x'.repeat(90) })),
      })),
    };
    for (const given of [degradedInput(), input({ plan })]) {
      for (const line of text(given, 80).split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
    }
  });

  it('says loudly when the books do not balance', () => {
    expect(text(input({ planned: 2_010 }))).toContain('DOES NOT BALANCE: 10 apart');
  });

  it('of a run that never began is the reason and the books, without a table', () => {
    const run = { ...input().run, state: 'aborted', ended: 'node c could not prepare', durationMs: 0 };
    const none = { neverBegan: true, nodes: [], regions: [], firedPerSecond: [], endedPerSecond: [] };
    const page = (ended: string): string => text(input({ ...none, run: { ...run, ended }, planned: 50 }), 200);
    expect(page('node c could not prepare').split('\n')).toEqual([
      'checkout  ·  run r-1  ·  0.0 s of 20.0 s  ·  aborted',
      'ABORTED before its start, no load was sent: node c could not prepare',
      '',
      'the books, in iterations',
      '  planned 50 = 0 fired + 0 dropped + 50 not fired + 0 lost   balances',
      '  fired 0 = 0 answered + 0 failed + 0 unanswered   balances',
    ]);
    expect(page('stopped')).toContain('ABORTED before its start, no load was sent: it was stopped');
    expect(page('stopped')).toContain('  planned 50 =');
  });

  it('of a run that was aborted once it had begun blames nobody for open books', () => {
    const run = { ...input().run, state: 'aborted', ended: 'node c could not prepare' };
    const lost = { fromMs: 10_000, toMs: 20_000, arrivals: 1_000 };
    const nodes = [node('a', { fired: 1_000, answered: 1_000 }, { state: 'aborted', lost })];
    const begun = text(input({ run, nodes }), 200);
    expect(begun).toContain(
      '  - nothing is known of the part of node a from 10.0 s to 20.0 s, 1000 planned iterations',
    );
    expect(begun).toContain('planned 2,000 = 1,000 fired + 0 dropped + 0 not fired + 1,000 lost   balances');
  });
});

describe('the line of seconds', () => {
  it('shows a dip of one second, also when each column stands for many', () => {
    const series = Array.from({ length: 600 }, (_, second) => (second === 301 ? 0 : 100));
    expect(sparkline(series, 60)).toBe(`${'█'.repeat(30)}_${'█'.repeat(29)}`);
    expect(sparkline([100, 50, 0, 100], 60)).toBe('█▄_█');
    expect(sparkline([0, 0], 60)).toBe('__');
  });
});

describe('figures for people', () => {
  it.each([
    [formatMs(0.004), '0.00 ms'],
    [formatMs(0.456), '0.46 ms'],
    [formatMs(12.34), '12.3 ms'],
    [formatMs(99.96), '100 ms'],
    [formatMs(999.4), '999 ms'],
    [formatMs(999.7), '1.00 s'],
    [formatMs(75_000), '75.0 s'],
    [formatCount(1_234_567), '1,234,567'],
    [formatRate(9.04), '9.0'],
    [formatRate(1_234.4), '1,234'],
    [formatShare(0, 10), '0 %'],
    [formatShare(10, 10), '100 %'],
    [formatShare(1, 10_000), '<0.1 %'],
    [formatShare(9_999, 10_000), '>99.9 %'],
    [formatBytes(999), '999 B'],
    [formatBytes(1_000), '1.00 KB'],
    [formatBytes(999_600), '1.00 MB'],
    [formatRunTime(20_000), '20.0 s'],
    [formatRunTime(3_725_000), '1 h 2 min 5 s'],
  ])('%s is %s', (formatted, expected) => {
    expect(formatted).toBe(expected);
  });
});

describe('layout', () => {
  it('cuts a name that is too long and keeps the figures', () => {
    expect(
      layOut(
        [
          ['a very long name indeed', '12'],
          ['b', '3'],
        ],
        20,
      ),
    ).toEqual(['a very long nam…  12', 'b                  3']);
  });

  it('wraps at blanks, indent kept', () => {
    expect(wrap('  - one two three', 10, '    ')).toEqual(['  - one', '    two', '    three']);
  });
});
