import { formatBytes, formatCount, formatMs, formatRate, formatRunTime, formatShare } from './format.ts';
import type { ErrorCategory } from './measurements.ts';
import type { NodeReport, Percentiles, RunReport, StepReport } from './report.ts';
import { clip, layOut, paint, sparkline, wrap, type Paint } from './text-layout.ts';

export interface TextOptions {
  /** ANSI colours; the caller knows NO_COLOR and whether it writes to a terminal. */
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

type Lines = readonly string[];

/** The report for people who see it for the first time, without a line feed at its end. Pure. */
export function renderReport(report: RunReport, options: TextOptions): string {
  const colors = paint(options.color);
  const sections: readonly Lines[] = [
    headline(report, colors, options.width),
    totals(report),
    steps(report, colors, options.width),
    errors(report, colors),
    picture(report, colors, options.width),
    books(report, colors),
    nodes(report, colors, options.width),
  ];
  const filled = sections.filter((section) => section.length > 0);
  return filled.map((section) => section.join('\n')).join('\n\n');
}

function headline({ run, verdict }: RunReport, colors: Paint, width: number): Lines {
  const how = run.ended === null ? run.state : run.state === 'aborted' ? 'aborted' : run.ended;
  const isWhole = run.durationMs >= run.plannedDurationMs;
  const reached = formatRunTime(run.durationMs);
  const time = isWhole ? reached : `${reached} of ${formatRunTime(run.plannedDurationMs)}`;
  const title = [run.planName ?? 'unnamed plan', `run ${run.id}`, time, how].join('  ·  ');
  const reasons = verdict.reasons.flatMap((reason) => wrap(`  - ${reason}`, width, '    '));
  const said = isWhole || run.ended !== 'stopped' ? wholeVerdict(run, verdict) : stoppedVerdict(verdict, time);
  return [colors.bold(clip(title, width)), ...wrap(said, width, '  ').map(inks(colors)[verdict.kind]), ...reasons];
}

const inks = (colors: Paint): Record<RunReport['verdict']['kind'], (text: string) => string> => ({
  valid: colors.green,
  running: colors.green,
  'generator-limited': colors.yellow,
  degraded: colors.red,
});

function wholeVerdict(run: RunReport['run'], { kind }: RunReport['verdict']): string {
  // While the run is on, only what went wrong is certain.
  const word = kind === 'running' ? 'VALID' : kind.toUpperCase();
  return `${word}${run.ended === null ? ' SO FAR' : ''}: ${verdictMeanings[kind]}`;
}

/** Of a run that was cut short nothing is as planned but the part before. */
function stoppedVerdict({ kind }: RunReport['verdict'], time: string): string {
  if (kind === 'valid') return `VALID UNTIL IT WAS STOPPED at ${time}: up to there ${verdictMeanings.valid}`;
  return `${kind.toUpperCase()}, AND STOPPED at ${time}: ${verdictMeanings[kind]}`;
}

const verdictMeanings = {
  valid: 'the load was sent as planned, and every measurement is in',
  running: 'nothing has gone wrong',
  'generator-limited': 'the generators could not send the load as planned',
  degraded: 'part of the load or of its measurements is missing',
} as const satisfies Record<RunReport['verdict']['kind'], string>;

function totals({ totals: sum }: RunReport): Lines {
  const failed = (count: number, of: number): string => `${formatCount(count)} failed (${formatShare(count, of)})`;
  return [
    `requests    ${formatCount(sum.requests)}, ${formatRate(sum.requestsPerSecond)} per second, ${failed(sum.failedRequests, sum.requests)}`,
    `iterations  ${formatCount(sum.iterations)}, ${failed(sum.failedIterations, sum.iterations)}`,
    ...(sum.resent > 0
      ? [`sent again  ${formatCount(sum.resent)} requests: the target had closed the kept connection`]
      : []),
    `data        ${formatBytes(sum.bytesReceived)} received, ${formatBytes(sum.bytesSent)} sent`,
  ];
}

/** Below it the table leaves out p90, so that the steps' names stay readable in a terminal of 80 columns. */
const roomyWidth = 90;

function steps(report: RunReport, colors: Paint, width: number): Lines {
  const seconds = report.run.durationMs / 1_000;
  const shown = (['p50', 'p90', 'p95', 'p99', 'max'] as const).filter((each) => each !== 'p90' || width >= roomyWidth);
  const times = (measured: Percentiles): readonly string[] =>
    shown.map((each) => (measured.count === 0 ? '-' : formatMs(measured[each]).replace(' ', '')));
  const row = (name: string, step: Pick<StepReport, 'requests' | 'failed' | 'response'>): readonly string[] => [
    name,
    formatCount(step.requests),
    formatShare(step.failed, step.requests),
    seconds > 0 ? formatRate(step.requests / seconds) : '-',
    ...times(step.response),
  ];
  const { totals: sum } = report;
  const rows = report.scenarios.flatMap((scenario) => [
    [scenario.name],
    ...scenario.steps.map((step) => row(`  ${step.name}`, step)),
  ]);
  const table = layOut(
    [
      ['response time', 'requests', 'failed', 'per s', ...shown],
      ...rows,
      row('all steps', { requests: sum.requests, failed: sum.failedRequests, response: sum.response }),
      ['  service time', '', '', '', ...times(sum.service)],
      ['  sent late by', '', '', '', ...times(sum.lateness)],
    ],
    width,
  );
  const [head, ...body] = table;
  const note =
    'Response time runs from the planned start of a request: being sent late is in it. Service time runs from the sending.';
  const notes = [note, ...unansweredNote(report)];
  return [colors.bold(head!), ...body, ...notes.flatMap((each) => wrap(each, width, '')).map(colors.dim)];
}

/** What never came back has no time: said where the percentiles stand, since they look the better for it. */
function unansweredNote({ run, totals: sum, books: { unanswered } }: RunReport): Lines {
  const unsent = sum.errors.template_error ?? 0;
  const failed = sum.requests - sum.response.count - unsent;
  const requests = [
    ...(failed > 0 ? [`${formatCount(failed)} requests that got no answer`] : []),
    ...(unsent > 0
      ? [`${formatCount(unsent)} ${failed > 0 ? '' : 'requests '}that were never sent, for want of a variable`]
      : []),
  ];
  const parts = [
    ...(requests.length > 0 ? [`${requests.join(' and ')} (errors, below)`] : []),
    // While the run is on they are merely in flight.
    ...(unanswered > 0 && run.ended !== null
      ? [`${formatCount(unanswered)} iterations still unanswered at the end`]
      : []),
  ];
  return parts.length === 0 ? [] : [`Not in these times: ${parts.join(' and ')}.`];
}

function errors(report: RunReport, colors: Paint): Lines {
  const counted = (Object.entries(report.totals.errors) as [ErrorCategory, number][]).sort(([, a], [, b]) => b - a);
  const found = [
    ...counted.map(([error, count]) => ({ what: error, count, meaning: errorMeanings[error] })),
    ...notExtracted(report),
  ];
  if (found.length === 0) return [];
  const rows = layOut(
    found.map(({ what, count }) => [`  ${what}`, formatCount(count)]),
    Infinity,
  );
  return [colors.bold('errors'), ...rows.map((row, index) => `${row}  ${found[index]!.meaning}`)];
}

/** A plan may have hundreds of steps; the JSON has them all. */
const maxStepsNamed = 3;

/** No failed request by itself: the step that uses the variable is one. So it says where it began. */
function notExtracted({ scenarios }: RunReport): { what: string; count: number; meaning: string }[] {
  const steps = scenarios.flatMap((scenario) => scenario.steps.filter((step) => step.extractionsFailed > 0));
  if (steps.length === 0) return [];
  const named = steps.slice(0, maxStepsNamed).map((step) => `${step.name}: ${formatCount(step.extractionsFailed)}`);
  const where = [...named, ...(steps.length > maxStepsNamed ? ['…'] : [])].join(', ');
  const count = steps.reduce((sum, step) => sum + step.extractionsFailed, 0);
  return [{ what: 'not extracted', count, meaning: `values of which an answer did not hold exactly one (${where})` }];
}

const errorMeanings = {
  dns_error: 'the name of the target could not be resolved',
  connect_error: 'the target did not accept a connection',
  tls_error: 'no secure connection came about',
  timeout_error: 'no whole answer within the timeout',
  reset_error: 'the connection broke off before the whole answer',
  protocol_error: 'what came back was not HTTP, or beyond a limit',
  client_error: 'answered with a status 4xx',
  server_error: 'answered with a status 5xx',
  assertion_failed: 'answered, but not what the plan asserts',
  template_error: 'the request could not be built: a variable was missing',
  local_error: 'this machine ran out of sockets, ports or memory',
} as const satisfies Record<ErrorCategory, string>;

function picture({ firedPerSecond, run }: RunReport, colors: Paint, width: number): Lines {
  // While a run drains nothing is started, and that is no dip.
  const fired = firedPerSecond.slice(0, Math.ceil(run.durationMs / 1000));
  if (fired.length === 0) return [];
  const lowest = Math.min(...fired);
  const second = fired.indexOf(lowest);
  const scale = `  lowest ${formatCount(lowest)} in second ${second}, highest ${formatCount(Math.max(...fired))}`;
  return [colors.bold('iterations started in each second'), `  ${sparkline(fired, width - 2)}`, colors.dim(scale)];
}

function books({ run, books: all }: RunReport, colors: Paint): Lines {
  const { planned, fired, dropped, notFired, lost, answered, failed, unanswered } = all;
  const title = colors.bold('the books, in iterations');
  const second: BooksLine = ['fired', fired, { answered, failed, unanswered }];
  const first: BooksLine | null =
    planned === null
      ? null
      : [
          run.ended === 'stopped' ? 'planned until the stop' : 'planned',
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

function nodes(report: RunReport, colors: Paint, width: number): Lines {
  if (report.nodes.length === 0) return [];
  const table = layOut(
    report.nodes.map((node) => [
      `  ${node.node}`,
      node.region,
      `${node.intervals} s counted`,
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
  const moved = changes.length === 0 ? [] : ['', colors.bold('the load was shared out anew'), ...changes];
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
