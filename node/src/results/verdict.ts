import { exitCodes, type ExitCode } from '../lib/exit-codes.ts';
import type { BooksReport, NodeReport, RunReport, Verdict } from './report.ts';

/**
 * A request is late when it was sent this long after its planned start: a hundred times what the timers cost on an idle
 * machine (load-testing.md 3d: 1.1 ms at p99), so only a generator that cannot keep up gets there.
 */
export const lateAboveMs = 100;
/** A percentile of 99 is the finest most people read: with fewer late requests than that it still tells of the target. */
const maxLateShare = 0.01;
/** One in a thousand of the planned arrivals, of the users' time or of the answers: below it, a single pause of the machine would condemn a good run. */
const maxMissingShare = 0.001;

export interface Judged {
  readonly run: RunReport['run'];
  readonly settled: boolean;
  readonly neverBegan: boolean;
  readonly nodesFiring: number | null;
  readonly books: BooksReport;
  readonly late: { readonly requests: number; readonly of: number };
  /** Requests that failed for want of something on the generating machine. */
  readonly localErrors: { readonly requests: number; readonly of: number };
  readonly nodes: readonly (Omit<NodeReport, 'countedMs'> & { readonly inFlight: number })[];
  readonly withoutMajority: RunReport['withoutMajority'];
}

/** Whether the figures mean what the plan meant. Missing data weighs more than late data; all reasons are named. */
export function judge(judged: Judged): Verdict {
  if (judged.neverBegan) return { kind: 'aborted', reasons: [abortReason(judged.run)] };
  const missing = missingReasons(judged);
  const limited = limitedReasons(judged);
  if (missing.length > 0) return { kind: 'degraded', reasons: [...missing, ...limited] };
  if (limited.length > 0) return { kind: 'generator-limited', reasons: limited };
  return { kind: judged.run.ended === null ? 'running' : 'valid', reasons: [] };
}

function abortReason({ ended }: RunReport['run']): string {
  return ended === 'stopped' ? 'it was stopped' : (ended ?? 'no reason given');
}

function limitedReasons({ books, late, localErrors }: Judged): readonly string[] {
  const due = dueOf(books);
  const reasons: string[] = [];
  if (late.requests > late.of * maxLateShare) {
    reasons.push(
      `${late.requests} of ${late.of} requests were sent more than ${lateAboveMs} ms after their planned start`,
    );
  }
  if (localErrors.requests > localErrors.of * maxMissingShare) {
    reasons.push(
      `${localErrors.requests} of ${localErrors.of} requests failed because a generating machine ran out of sockets, ports ` +
        'or memory (raise ulimit -n, or use more machines)',
    );
  }
  if (books.dropped > due * maxMissingShare) {
    reasons.push(
      `${books.dropped} of ${due} planned iterations were dropped: as many as allowed were in flight already ` +
        '(the target answers too slowly for this rate, or the bound, workers, is too low)',
    );
  }
  return reasons;
}

function missingReasons({ run, settled, nodesFiring, books, nodes, withoutMajority }: Judged): readonly string[] {
  const reasons: string[] = [];
  if (run.state === 'aborted') reasons.push(`the run was aborted: ${abortReason(run)}`);
  if (nodesFiring === 0) reasons.push('no node sends load: of those that were to, none is there');
  reasons.push(...majorityReasons(run, withoutMajority));
  const why = `${withoutMajority.length > 0 ? 'there was no majority, ' : ''}a node was beyond its horizon, or joined late`;
  for (const { node, state, lost, inFlight } of nodes) {
    if (lost === null) continue;
    const { fromMs, toMs, arrivals } = lost;
    if (toMs > fromMs || (arrivals ?? 0) > 0) {
      const what = arrivals === null ? '' : `, ${arrivals} planned iterations`;
      const part = state === 'aborted' ? `the part of node ${node}` : 'its part';
      const known = `nothing is known of ${part} from ${inSeconds(fromMs)} to ${inSeconds(toMs)}${what}`;
      reasons.push(state === 'aborted' ? known : `node ${node} was lost: ${known}`);
    } else if (inFlight > 0) {
      reasons.push(`node ${node} was lost with ${inFlight} iterations in flight`);
    }
  }
  const byNodes = nodes.reduce((sum, { lost }) => sum + (lost?.arrivals ?? 0), 0);
  if (books.lost > byNodes) {
    const what = books.planned === null ? 'users' : 'planned iterations';
    reasons.push(`${books.lost - byNodes} ${what} were lost with a generator that failed`);
  }
  if (books.notFired > dueOf(books) * maxMissingShare) {
    const where = byNode(nodes, (node) => node.books.notFired, String);
    reasons.push(`${books.notFired} planned iterations were not started (${where}): ${why}`);
  }
  if (books.plannedUserMs !== null && books.heldUserMs > books.plannedUserMs * maxMissingShare) {
    const where = byNode(nodes, (node) => node.books.heldUserMs, inSeconds);
    reasons.push(
      `users were held back for ${inSeconds(books.heldUserMs)} of the ${inSeconds(books.plannedUserMs)} that all of them ` +
        `had together (${where}): ${why}`,
    );
  }
  const givenUp = settled ? nodes.reduce((sum, node) => sum + (node.lost === null ? node.inFlight : 0), 0) : 0;
  if (givenUp > books.fired * maxMissingShare) {
    reasons.push(
      `${givenUp} of ${books.fired} iterations were given up unanswered when their time to finish was over: their times are ` +
        'missing, and the percentiles look the better for it (the target hangs, or an iteration takes longer than that)',
    );
  }
  if (settled && !books.balanced) reasons.push('the books do not balance: this is a fault of tutti, please report it');
  return reasons;
}

/** The first ones say what it was; the report names the others too. */
const maxSpansNamed = 3;

function majorityReasons(run: RunReport['run'], spans: RunReport['withoutMajority']): readonly string[] {
  const stoodMs = spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  if (stoodMs <= run.durationMs * maxMissingShare) return [];
  const named = spans.slice(0, maxSpansNamed).map(({ agreedMs, fromMs, toMs, arrivals }) => {
    const due = arrivals === null ? '' : `, and ${arrivals} planned iterations were due then`;
    return (
      `there was no leader with a majority of the nodes from ${inSeconds(agreedMs)} to ${inSeconds(toMs)} of the run: ` +
      `nothing could be started from ${inSeconds(fromMs)} on${due}`
    );
  });
  const more = spans.length - named.length;
  return more > 0 ? [...named, `there was none ${more} more times`] : named;
}

/** The nodes that have any of it, the most first, with how much. */
function byNode(
  nodes: Judged['nodes'],
  of: (node: Judged['nodes'][number]) => number,
  written: (amount: number) => string,
): string {
  const sums = new Map<string, number>();
  for (const node of nodes) sums.set(node.node, (sums.get(node.node) ?? 0) + of(node));
  const found = [...sums].filter(([, amount]) => amount > 0).sort(([, a], [, b]) => b - a);
  return found.map(([node, amount]) => `${node}: ${written(amount)}`).join(', ');
}

/** A closed model has no plan of arrivals: what it came to instead. */
function dueOf(books: BooksReport): number {
  return books.planned ?? books.fired + books.dropped + books.notFired + books.lost;
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** What `tutti run` and `tutti submit --wait` end with. Failed requests are a finding, not a failure of the tool. */
export function exitCodeOf(report: Pick<RunReport, 'run' | 'verdict'>): ExitCode {
  // Whoever stopped it knows that it is incomplete, even when it had not begun and was aborted.
  if (report.run.ended === 'stopped') return exitCodes.stopped;
  if (report.run.state === 'aborted') return exitCodes.aborted;
  switch (report.verdict.kind) {
    case 'valid':
      return exitCodes.ok;
    case 'generator-limited':
      return exitCodes.generatorLimited;
    case 'degraded':
      return exitCodes.nodesLost;
    case 'aborted':
      return exitCodes.aborted;
    // Nobody waits for the end of a run and is given this; if somebody is, it is no result.
    case 'running':
      return exitCodes.unexpected;
  }
}
