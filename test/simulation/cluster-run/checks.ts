import { expect } from 'vitest';
import { encodeSnapshot } from '../../../node/src/cluster/snapshot.ts';
import { slotOf, type Run } from '../../../node/src/cluster/state.ts';
import { reportInput } from '../../../node/src/cluster/views.ts';
import { arrivalsBefore } from '../../../node/src/generator/schedule/arrivals.ts';
import { ownerOf } from '../../../node/src/generator/schedule/stripes.ts';
import { buildReport } from '../../../node/src/results/build-report.ts';
import type { Books } from '../../../node/src/results/measurements.ts';
import { bookLines } from '../../../node/src/results/merge.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** What holds after any run that was finished, whatever happened on its way. */
export function checkFinished(sim: SimulatedCluster): { readonly run: Run; readonly report: RunReport } {
  expect(sim.bugs).toEqual([]);
  const runs = [...sim.nodes.keys()].map((id) => sim.run(id)!);
  const run = runs[0]!;
  expect(run.phase.name, JSON.stringify(run.phase)).toBe('finished');
  // Nobody fires at or beyond a horizon it has heard of: so nobody can have fired at or beyond the end.
  if (run.phase.name === 'finished') expect(run.horizonMs).toBeLessThanOrEqual(run.phase.stop.atMs);
  const snapshots = new Set([...sim.nodes.values()].map((node) => text(node.consensus.replicated.state())));
  expect(snapshots.size, 'replicas differ').toBe(1);
  const report = buildReport(reportInput(run));
  noArrivalTwice(sim, run);
  everyIntervalOnce(sim, run);
  expect(report.books.balanced, `books ${JSON.stringify(report.books)} ${JSON.stringify(report.nodes)}`).toBe(true);
  lostAreNamed(sim, run, report);
  return { run, report };
}

const text = (state: Parameters<typeof encodeSnapshot>[0]): string =>
  Buffer.from(encodeSnapshot(state)).toString('hex');

/** Seen at the target: an arrival is fired by its owner, or by nobody. */
function noArrivalTwice(sim: SimulatedCluster, run: Run): void {
  for (const [arrival, slots] of sim.witness.firedBy) {
    expect(slots, `arrival ${arrival} was fired by ${slots.join(' and ')}`).toHaveLength(1);
    expect(slots[0]).toBe(ownerOf(run.tables, run.plan.load, arrival));
  }
}

/** The state holds exactly the cuts each agent made, up to its watermark: none twice, none left out, none made up. */
function everyIntervalOnce(sim: SimulatedCluster, run: Run): void {
  let requests = 0;
  const alive = new Set([...sim.nodes.values()].map((node) => slotOf(node.self)));
  for (const progress of run.agents) {
    const slot = slotOf(progress.agent);
    const counted = sim.witness.cuts.get(slot)!.filter((cut) => cut.number <= progress.lastInterval);
    const sum = (of: keyof Books): number => counted.reduce((total, cut) => total + cut.books[of], 0);
    for (const of of bookLines) {
      expect(progress.books[of], `${of} of ${slot}`).toBe(sum(of));
    }
    requests += sum('answered');
    expect(progress.start?.startedLateMs, `start of ${slot}`).toBe(Math.max(...sim.witness.startedMs.get(slot)!));
    if (alive.has(slot) && progress.final) expect(counted.at(-1)?.final).toBe(true);
  }
  const measured = run.regions.flatMap(({ measurements }) => measurements.scenarios[0]!.steps[0]!);
  expect(measured.reduce((total, step) => total + step.requests, 0)).toBe(requests);
  expect(measured.reduce((total, step) => total + step.responseUs.count, 0)).toBe(requests);
}

/** What is missing at the target is what the books call lost, not fired or dropped: by count and by name. */
function lostAreNamed(sim: SimulatedCluster, run: Run, report: RunReport): void {
  if (run.phase.name !== 'finished' || run.plan.load.model === 'concurrent') return;
  const planned = arrivalsBefore(run.plan.load, Math.min(run.plan.durationMs, run.phase.stop.atMs));
  const fired = [...sim.witness.firedBy.keys()];
  expect(Math.max(-1, ...fired)).toBeLessThan(planned);
  expect(report.books.planned).toBe(planned);
  // A lost agent may have fired what was never reported; all else must be missing at the target too.
  const missing = planned - fired.length;
  const { dropped, lost, notFired } = report.books;
  expect(missing).toBeLessThanOrEqual(dropped + lost + notFired);
  const survivors = report.nodes.filter((node) => node.state === 'finished');
  for (const { node, session } of survivors) {
    const slot = slotOf({ node, session });
    const own = fired.filter((arrival) => sim.witness.firedBy.get(arrival)![0] === slot).length;
    const progress = run.agents.find((each) => slotOf(each.agent) === slot)!;
    // Only what a dying generator fired after its last cut is known to the target alone.
    if (progress.books.lost === 0) expect(progress.books.fired).toBe(own);
  }
}
