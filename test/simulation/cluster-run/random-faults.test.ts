import { describe, expect, it } from 'vitest';
import { changeLoadAsLeader } from '../../../node/src/coordinator/leader-runs.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { slotOf } from '../../../node/src/cluster/state.ts';
import { reportInput } from '../../../node/src/cluster/views.ts';
import { buildReport } from '../../../node/src/results/build-report.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import { checkFinished } from './checks.ts';
import { closedPlanText, planText, SimulatedCluster } from './simulated-cluster.ts';

type Fault = 'kill' | 'end' | 'restart' | 'cutOff' | 'pause' | 'depose' | 'generator';
const kinds: readonly Fault[] = ['kill', 'end', 'restart', 'cutOff', 'pause', 'depose', 'generator'];

interface Simulated {
  readonly sim: SimulatedCluster;
  readonly victims: readonly string[];
  readonly leaderWasHit: boolean;
}

/** One cluster, one run, random faults on at most a minority of the nodes; half of them on whoever leads at the start. */
async function simulate(seed: number): Promise<Simulated> {
  const size = seed % 3 === 0 ? 5 : 3;
  const sim = new SimulatedCluster(seed, size);
  const { random } = sim.world;
  await sim.untilFormed();
  const seconds = Math.floor(random.between(5, 11));
  const amount = Math.floor(random.between(15, 60));
  const plan = seed % 5 === 4 ? closedPlanText(amount, seconds) : planText(amount, seconds);
  await sim.submit(plan, random.pick([...sim.nodes.keys()]));
  const victims: string[] = [];
  while (victims.length < (size - 1) / 2) {
    const leader = sim.leader()?.id;
    const id = leader !== undefined && random.chance(0.5) ? leader : random.pick([...sim.nodes.keys()]);
    if (!victims.includes(id)) victims.push(id);
  }
  let leaderWasHit = false;
  for (const victim of victims) {
    // Now and then once more while it has not recovered: two tables in quick succession, a node that flaps.
    for (let times = random.chance(0.4) ? random.between(2, 5) : 1; times >= 1; times--) {
      const fault = random.pick(kinds);
      const lastsMs = random.between(20, random.chance(0.3) ? 400 : 6_000);
      sim.world.after(random.between(0, (seconds + 3) * 1_000), () => {
        leaderWasHit ||= sim.leader()?.id === victim;
        strike(sim, victim, fault, lastsMs);
      });
    }
  }
  for (let times = random.chance(0.3) ? random.between(1, 4) : 0; times >= 1; times--) {
    sim.world.after(random.between(0, seconds * 1_000), () => sim.cluster.depose());
  }
  for (let times = random.chance(0.4) ? random.between(1, 4) : 0; times >= 1; times--) {
    const [atMs, toAmount, toSeconds] = [
      random.between(0, seconds * 1_000),
      random.between(5, 120),
      random.between(2, 12),
    ];
    const changed = plan === planText(amount, seconds) ? planText : closedPlanText;
    sim.world.after(atMs, () => changeLoad(sim, changed(Math.floor(toAmount), Math.floor(toSeconds))));
  }
  if (random.chance(0.25)) sim.world.after(random.between(0, seconds * 1_000), () => stop(sim));
  expect(await sim.untilOver(), `the run never ended: ${JSON.stringify(sim.leader()?.id)}`).toBe(true);
  return { sim, victims, leaderWasHit };
}

/** Asked of any node; whether it is in time, or its outcome known, is not the point here. */
function stop(sim: SimulatedCluster): void {
  const { runs } = sim.nodes.get(sim.world.random.pick([...sim.nodes.keys()]))!.runtime;
  runs.stop({ tenant: null, runId: null }).catch((error: unknown) => {
    if (!(error instanceof TuttiError)) sim.bugs.push(error);
  });
}

/** By whoever leads; it may be refused, or lose its office over it. */
function changeLoad(sim: SimulatedCluster, text: string): void {
  const context = sim.leader()?.runtime.leading() ?? null;
  if (context === null) return;
  const submission = { planText: text, submissionId: `changed-${sim.world.nowMs}` };
  changeLoadAsLeader(context, submission).catch((error: unknown) => {
    if (!(error instanceof TuttiError)) sim.bugs.push(error);
  });
}

function strike(sim: SimulatedCluster, victim: string, fault: Fault, lastsMs: number): void {
  if (!sim.nodes.has(victim)) return;
  switch (fault) {
    case 'kill':
      return sim.kill(victim);
    case 'end':
      return void sim.end(victim);
    case 'restart':
      sim.kill(victim);
      return void sim.world.after(lastsMs, () => sim.boot(victim));
    case 'cutOff':
      sim.cluster.cutOff(victim);
      return void sim.world.after(lastsMs, () => sim.cluster.heal(victim));
    case 'pause':
      sim.pause(victim);
      return void sim.world.after(lastsMs, () => sim.resume(victim));
    case 'depose':
      return sim.cluster.depose();
    case 'generator':
      sim.nodes.get(victim)!.generators?.killGenerator(0);
      // The other one now and then as well: a node that can no longer fire at all.
      if (lastsMs < 3_000) sim.world.after(lastsMs, () => sim.nodes.get(victim)?.generators?.killGenerator(1));
  }
}

const seeds = Number(process.env['SEEDS'] ?? 120);
const first = Number(process.env['FIRST_SEED'] ?? 1);

describe('a run under faults of a minority', () => {
  it(`counts every interval once, fires no arrival twice and ends with balanced books, for ${seeds} seeds`, async () => {
    const seen = {
      leaderHit: 0,
      stripesChanged: 0,
      rejoined: 0,
      stopped: 0,
      lost: 0,
      notFired: 0,
      abortedEarly: 0,
      loadChanged: 0,
    };
    for (let seed = first; seed < first + seeds; seed++) {
      try {
        const { sim, victims, leaderWasHit } = await simulate(seed);
        if (endedBeforeTheStart(sim)) {
          seen.abortedEarly++;
          continue;
        }
        const { run, report } = checkFinished(sim);
        checkUntouched(report, victims);
        seen.leaderHit += Number(leaderWasHit);
        seen.stripesChanged += Number(run.tables.length > 1);
        seen.rejoined += Number(run.changes.some((change) => change.reason.includes('joined')));
        seen.loadChanged += Number(report.loadChanges.length > 0);
        seen.stopped += Number(report.run.ended === 'stopped');
        seen.lost += Number(report.books.lost > 0);
        seen.notFired += Number(report.books.notFired > 0);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    // A simulation in which nothing happens proves nothing.
    if (seeds >= 100) for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
  }, 180_000);
});

/** Stopped by us, or nobody is left of those that heard the start: its leader was lost in that moment, or soon after (design, "Run time"). */
function endedBeforeTheStart(sim: SimulatedCluster): boolean {
  expect(sim.bugs).toEqual([]);
  const { phase, horizonMs } = sim.run([...sim.nodes.keys()][0]!)!;
  if (phase.name !== 'aborted') return false;
  const { books } = buildReport(reportInput(sim.run([...sim.nodes.keys()][0]!)!));
  expect(books.balanced, JSON.stringify(books)).toBe(true);
  if (phase.reason === 'stopped') {
    expect(sim.witness.firedBy.size, 'fired, of a run that was aborted as not begun').toBe(0);
    return true;
  }
  const alive = new Set([...sim.nodes.values()].map((node) => slotOf(node.self)));
  const firedByOthers = [...sim.witness.firedBy.values()].flat().every((slot) => !alive.has(slot));
  return phase.reason === 'no node that is left knows when the run began' && phase.endMs === horizonMs && firedByOthers;
}

/** Whatever befell the others, and however often the leader changed: a node that was left alone loses nothing. */
function checkUntouched(report: RunReport, victims: readonly string[]): void {
  for (const node of report.nodes) {
    if (victims.includes(node.node)) continue;
    expect(node, `node ${node.node} was not touched`).toMatchObject({ state: 'finished', lost: null });
  }
}
