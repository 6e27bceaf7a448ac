import { TuttiError } from '../lib/errors.ts';
import { addBooks, addMeasurements, decodeMeasurements, sameShape } from '../results/encoding.ts';
import { emptyBooks, type Measurements } from '../results/measurements.ts';
import type { CommandBody, CountedInterval } from './commands.ts';
import { slotOf, type AgentProgress, type Run } from './state.ts';

/**
 * Seconds after the end of a plan for which intervals are still taken: an hour, far beyond any drain. It bounds the
 * per-second series against an interval with an absurd number.
 */
const maxSecondsAfterPlan = 3_600;

type CountIntervals = Extract<CommandBody, { kind: 'countIntervals' }>;
type Counted = { readonly ok: true; readonly run: Run } | { readonly ok: false; readonly why: string };

/** The batch whole, or nothing of it and why: (run, node, session, number) is counted at most once. Leaves `run` as it is. */
export function countIntervals(run: Run, command: CountIntervals): Counted {
  const agents = new Map<string, AgentProgress>(run.agents.map((progress) => [slotOf(progress.agent), progress]));
  for (const interval of command.intervals) {
    const slot = slotOf(interval.agent);
    const why = refusal(run, agents.get(slot), interval);
    if (why !== null) return { ok: false, why: `interval ${interval.number} of ${slot}: ${why}` };
    agents.set(slot, advanced(agents.get(slot), interval));
  }
  const regions = mergedRegions(run, command.regions);
  if (typeof regions === 'string') return { ok: false, why: regions };
  return {
    ok: true,
    run: {
      ...run,
      agents: [...agents.values()],
      regions,
      firedPerSecond: perSecond(run.firedPerSecond, command.intervals, ({ books }) => books.fired),
      endedPerSecond: perSecond(run.endedPerSecond, command.intervals, ({ books }) => books.answered + books.failed),
    },
  };
}

function refusal(run: Run, known: AgentProgress | undefined, interval: CountedInterval): string | null {
  if (interval.number > run.plan.durationMs / 1_000 + maxSecondsAfterPlan) return 'it lies far beyond the plan';
  if (known === undefined) {
    const slot = slotOf(interval.agent);
    const joined = run.acknowledgements.some((each) => each.outcome.ok && slotOf(each.agent) === slot);
    return joined ? null : 'the agent has not acknowledged the plan';
  }
  if (known.final) return `the agent's last one, ${known.lastInterval}, is in`;
  if (interval.number !== known.lastInterval + 1) return `the watermark stands at ${known.lastInterval}`;
  return null;
}

function advanced(known: AgentProgress | undefined, interval: CountedInterval): AgentProgress {
  const books = emptyBooks();
  if (known !== undefined) addBooks(books, known.books);
  addBooks(books, interval.books);
  return {
    agent: known?.agent ?? interval.agent,
    lastInterval: interval.number,
    intervals: (known?.intervals ?? 0) + 1,
    final: interval.final,
    books,
    inFlight: interval.inFlight,
    start: known?.start ?? interval.start,
  };
}

/** New measurements in place of those that change: the state that was given may be read by others. */
function mergedRegions(run: Run, added: CountIntervals['regions']): Run['regions'] | string {
  const regions = new Map<string, Measurements>(run.regions.map((each) => [each.region, each.measurements]));
  for (const { region, measurements: encoded } of added) {
    let measurements: Measurements;
    try {
      measurements = decodeMeasurements(encoded);
    } catch (thrown) {
      // A batch that cannot be read is refused on every node alike: it stands in the log, so none may stumble over it.
      return TuttiError.from(thrown).message;
    }
    if (!sameShape(measurements, run.plan)) return `the measurements of region ${region} do not have the plan's shape`;
    const before = regions.get(region);
    if (before !== undefined) addMeasurements(measurements, before);
    regions.set(region, measurements);
  }
  return [...regions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([region, measurements]) => ({ region, measurements }));
}

function perSecond(
  series: readonly number[],
  intervals: readonly CountedInterval[],
  amount: (interval: CountedInterval) => number,
): readonly number[] {
  const longer = [...series];
  for (const interval of intervals) {
    while (longer.length <= interval.number) longer.push(0);
    longer[interval.number]! += amount(interval);
  }
  return longer;
}
