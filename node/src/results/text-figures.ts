import { formatBytes, formatCount, formatMs, formatRate, formatShare } from './format.ts';
import type { ErrorCategory } from './measurements.ts';
import type { Percentiles, RunReport, StepReport } from './report.ts';
import { layOut, wrap, type Lines, type Paint } from './text-layout.ts';

/** What was measured: totals, the table of the steps, the errors. Sections of the report for people (report-text.ts). */

export function totals({ totals: sum }: RunReport): Lines {
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

export function steps(report: RunReport, colors: Paint, width: number): Lines {
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

export function errors(report: RunReport, colors: Paint): Lines {
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
