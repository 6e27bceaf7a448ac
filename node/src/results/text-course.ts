import { formatCount, formatMs, formatRunTime } from './format.ts';
import type { NodeReport, RunReport } from './report.ts';
import { layOut, sparkline, wrap, type Lines, type Paint } from './text-layout.ts';

/** How the run went: its picture, the books, the nodes. Sections of the report for people (report-text.ts). */

export function picture({ firedPerSecond, nodes: all, run }: RunReport, colors: Paint, width: number): Lines {
  // While a run drains nothing is started, and that is no dip.
  const fired = firedPerSecond.slice(0, Math.ceil(run.durationMs / 1000));
  if (fired.length === 0) return [];
  const lowest = Math.min(...fired);
  const second = fired.indexOf(lowest);
  const scale = `  lowest ${formatCount(lowest)} in second ${second}, highest ${formatCount(Math.max(...fired))}`;
  // What a lost node sent in its last moments died with its measurements: a dip there need not be one.
  const known = all.some(({ lost }) => lost !== null) ? 'known to have ' : '';
  return [
    colors.bold(`iterations ${known}started in each second`),
    `  ${sparkline(fired, width - 2)}`,
    colors.dim(scale),
  ];
}

export function books({ run, verdict, books: all }: RunReport, colors: Paint): Lines {
  const { planned, fired, dropped, notFired, lost, answered, failed, unanswered } = all;
  const title = colors.bold('the books, in iterations');
  const second: BooksLine = ['fired', fired, { answered, failed, unanswered }];
  const first: BooksLine | null =
    planned === null
      ? null
      : [
          run.ended === 'stopped' && verdict.kind !== 'aborted' ? 'planned until the stop' : 'planned',
          planned,
          { fired, dropped, 'not fired': notFired, lost },
        ];
  const closed = '  nothing planned ahead: each user starts again when it is done (closed load model)';
  const held = all.heldUserMs === 0 ? [] : [`  users held back for ${formatRunTime(all.heldUserMs)}, all together`];
  return [title, first === null ? closed : booksLine(run, first, colors), booksLine(run, second, colors), ...held];
}

type BooksLine = readonly [name: string, whole: number, parts: Readonly<Record<string, number>>];

function booksLine(run: RunReport['run'], [name, whole, parts]: BooksLine, colors: Paint): string {
  const sum = Object.values(parts).reduce((left, right) => left + right, 0);
  const terms = Object.entries(parts).map(([part, count]) => `${formatCount(count)} ${part}`);
  // The rest of a run that is on is nobody's yet: no fault, and not to be shown as one.
  if (run.ended === null) {
    return `  ${name} ${formatCount(whole)}, of them ${terms.join(', ')}   ${colors.dim(`not settled: the run is ${run.state}`)}`;
  }
  const apart = formatCount(Math.abs(whole - sum));
  const check = whole === sum ? colors.green('balances') : colors.red(`DOES NOT BALANCE: ${apart} apart`);
  return `  ${name} ${formatCount(whole)} = ${terms.join(' + ')}   ${check}`;
}

/** Those beyond are in the JSON. */
const maxSpansShown = 10;

/** When nothing could be agreed on, and what that cost. */
export function majority({ withoutMajority: spans }: RunReport, colors: Paint, width: number): Lines {
  if (spans.length === 0) return [];
  const lines = spans.slice(0, maxSpansShown).flatMap(({ agreedMs, fromMs, toMs, arrivals }) => {
    const due = arrivals === null ? '' : `, ${formatCount(arrivals)} iterations due`;
    const span = `  from ${formatRunTime(agreedMs)} to ${formatRunTime(toMs)}: nothing started from ${formatRunTime(fromMs)} on${due}`;
    return wrap(span, width, '    ');
  });
  const more = spans.length - maxSpansShown;
  const title = colors.bold('no leader with a majority of the nodes');
  return [
    title,
    ...lines.map(colors.red),
    ...(more > 0 ? [`  and ${formatCount(more)} more times (in the JSON)`] : []),
  ];
}

export function nodes(report: RunReport, colors: Paint, width: number): Lines {
  if (report.nodes.length === 0) return [];
  const table = layOut(
    report.nodes.map((node) => [
      `  ${node.node}`,
      node.region,
      `${formatRunTime(node.countedMs)} counted`,
      startOf(node),
      node.state === 'lost' ? 'LOST' : node.state,
    ]),
    width,
  );
  const lines = report.nodes.flatMap((node, index) => {
    const line = table[index]!;
    return [node.state === 'lost' ? colors.red(line) : line, ...lostOf(node, width)];
  });
  const changes = report.stripeChanges.flatMap(({ fromMs, reason }) =>
    wrap(`  from ${formatRunTime(fromMs)} on: ${reason}`, width, '    '),
  );
  const what = report.loadChanges.length === 0 ? 'shared out anew' : 'changed, or shared out anew';
  const moved = changes.length === 0 ? [] : ['', colors.bold(`the load was ${what}`), ...changes];
  const absent = `  not there when the run began: ${report.missing.join(', ')}`;
  const missing = report.missing.length === 0 ? [] : wrap(absent, width, '    ').map(colors.red);
  return [colors.bold('nodes'), ...lines, ...missing, ...moved];
}

function startOf({ startedLateMs, clockErrorMs }: NodeReport): string {
  if (startedLateMs === null) return 'start unknown';
  const error = clockErrorMs === null ? '' : `, give or take ${formatMs(clockErrorMs)}`;
  return `started ${formatMs(Math.max(0, startedLateMs))} late${error}`;
}

function lostOf({ lost }: NodeReport, width: number): Lines {
  if (lost === null) return [];
  const arrivals = lost.arrivals === null ? '' : `: ${formatCount(lost.arrivals)} planned iterations unaccounted for`;
  return wrap(
    `    missing from ${formatRunTime(lost.fromMs)} to ${formatRunTime(lost.toMs)}${arrivals}`,
    width,
    '      ',
  );
}
