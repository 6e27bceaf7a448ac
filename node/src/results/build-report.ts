import type { Histogram } from './histogram.ts';
import { emptyBooks, errorCategories, type Measurements, type StepMeasurements } from './measurements.ts';
import { addBooks, addMeasurements, addStep, createMeasurements, createStep } from './merge.ts';
import type { BooksReport, NodeReport, Percentiles, RunReport, ScenarioReport, StepReport } from './report.ts';
import { judge, lateAboveMs } from './verdict.ts';

export { exitCodeOf } from './verdict.ts';

/** What a report is made of; plain values, so that a standalone run and a cluster's give the same. */
export interface ReportInput {
  readonly run: RunReport['run'];
  /** Names in the order of the measurements (a `Plan` fits). */
  readonly plan: {
    readonly scenarios: readonly { readonly name: string; readonly steps: readonly { readonly name: string }[] }[];
  };
  /** Nothing more will come: the books must balance now. */
  readonly settled: boolean;
  /** It was aborted before its start: no load was sent, and all that was planned is not fired. */
  readonly neverBegan: boolean;
  /** Nodes that are there to send the load of a run that is on; null: it is not on, or nobody can tell. */
  readonly nodesFiring: number | null;
  /** Arrivals of the whole schedule up to the end or the stop (of one that never began, all), from the schedule's arithmetic; null for closed models. */
  readonly planned: number | null;
  /** Virtual users of the whole run, on average where they changed; null for open models. */
  readonly users: number | null;
  readonly regions: readonly { readonly region: string; readonly measurements: Measurements }[];
  readonly nodes: readonly ReportNode[];
  readonly missing: RunReport['missing'];
  readonly withoutMajority: RunReport['withoutMajority'];
  readonly stripeChanges: RunReport['stripeChanges'];
  readonly loadChanges: RunReport['loadChanges'];
  readonly firedPerSecond: readonly number[];
  readonly endedPerSecond: readonly number[];
}

export interface ReportNode extends Omit<NodeReport, 'countedMs'> {
  /** Number of the last interval counted; -1: none. They are counted without gaps. */
  readonly lastInterval: number;
  /** Iterations in flight at its last interval. */
  readonly inFlight: number;
}

/** Pure. Throws an InvariantViolation when the measurements do not have the plan's shape. */
export function buildReport(input: ReportInput): RunReport {
  const whole = createMeasurements(input.plan);
  for (const { measurements } of input.regions) addMeasurements(whole, measurements);
  const every = createStep();
  for (const scenario of whole.scenarios) for (const step of scenario.steps) addStep(every, step);
  const books = booksOf(input);
  const localErrors = { requests: every.errors.get('local_error') ?? 0, of: every.requests };
  const late = { requests: every.latenessUs.countAbove(lateAboveMs * 1_000), of: every.latenessUs.count };
  return {
    schema: 'tutti.report/1',
    run: input.run,
    verdict: judge({ ...input, books, late, localErrors }),
    totals: totalsOf(whole, every, input.run.durationMs),
    scenarios: scenariosOf(input, whole),
    regions: input.regions.map(({ region, measurements }) => ({ region, scenarios: scenariosOf(input, measurements) })),
    books,
    nodes: input.nodes.map((node) => nodeOf(node, input.run.durationMs)),
    missing: input.missing,
    withoutMajority: input.withoutMajority,
    stripeChanges: input.stripeChanges,
    loadChanges: input.loadChanges,
    firedPerSecond: input.firedPerSecond,
    endedPerSecond: input.endedPerSecond,
  };
}

function totalsOf(whole: Measurements, every: StepMeasurements, durationMs: number): RunReport['totals'] {
  const failedIterations = whole.scenarios.reduce((sum, scenario) => sum + scenario.failed, 0);
  const succeeded = whole.scenarios.reduce((sum, scenario) => sum + scenario.succeeded, 0);
  return {
    requests: every.requests,
    failedRequests: every.failed,
    requestsPerSecond: durationMs > 0 ? every.requests / (durationMs / 1_000) : 0,
    iterations: succeeded + failedIterations,
    failedIterations,
    resent: every.resent,
    bytesSent: every.bytesSent,
    bytesReceived: every.bytesReceived,
    response: percentiles(every.responseUs),
    service: percentiles(every.serviceUs),
    lateness: percentiles(every.latenessUs),
    errors: errorsOf(every),
  };
}

function scenariosOf({ plan }: ReportInput, measurements: Measurements): readonly ScenarioReport[] {
  return measurements.scenarios.map((scenario, index) => {
    const { name, steps } = plan.scenarios[index]!;
    return {
      name,
      succeeded: scenario.succeeded,
      failed: scenario.failed,
      duration: percentiles(scenario.durationUs),
      steps: scenario.steps.map((step, position) => stepOf(steps[position]!.name, step)),
    };
  });
}

function stepOf(name: string, step: StepMeasurements): StepReport {
  return {
    name,
    requests: step.requests,
    failed: step.failed,
    statuses: Object.fromEntries(step.statuses),
    errors: errorsOf(step),
    assertions: { passed: step.assertionsPassed, failed: step.assertionsFailed },
    extractionsFailed: step.extractionsFailed,
    resent: step.resent,
    response: percentiles(step.responseUs),
    service: percentiles(step.serviceUs),
    lateness: percentiles(step.latenessUs),
  };
}

function errorsOf(step: StepMeasurements): StepReport['errors'] {
  return Object.fromEntries(
    errorCategories.flatMap((error) => {
      const count = step.errors.get(error) ?? 0;
      return count > 0 ? [[error, count]] : [];
    }),
  );
}

function percentiles(us: Histogram): Percentiles {
  if (us.count === 0) return { count: 0, min: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 };
  const at = (q: number): number => us.quantile(q) / 1_000;
  return {
    count: us.count,
    min: us.min / 1_000,
    mean: us.mean / 1_000,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: us.max / 1_000,
  };
}

/** Both lines of the books over all nodes. `unanswered` is counted apart from what it must equal, so that they can disagree. */
function booksOf({ run, planned, users, settled, neverBegan, nodes }: ReportInput): BooksReport {
  const books = emptyBooks();
  // No node ever owned an arrival of it.
  if (neverBegan) books.notFired = planned ?? 0;
  for (const node of nodes) {
    addBooks(books, node.books);
    books.lost += node.lost?.arrivals ?? 0;
  }
  const unanswered = nodes.reduce((sum, node) => sum + node.inFlight, 0);
  const accounted = books.fired + books.dropped + books.notFired + books.lost;
  const balanced =
    settled &&
    (planned === null || planned === accounted) &&
    books.fired === books.answered + books.failed + unanswered;
  const plannedUserMs = users === null ? null : users * run.durationMs;
  return { ...books, planned, plannedUserMs, unanswered, balanced };
}

function nodeOf(node: ReportNode, durationMs: number): NodeReport {
  const { session, region, intervals, lastInterval, state, lost, clockErrorMs, startedLateMs, books } = node;
  const untilMs = Math.min(durationMs, (lastInterval + 1) * 1_000);
  const fromMs = Math.min(durationMs, (lastInterval + 1 - intervals) * 1_000);
  const countedMs = untilMs - fromMs;
  return { node: node.node, session, region, intervals, countedMs, state, lost, clockErrorMs, startedLateMs, books };
}
