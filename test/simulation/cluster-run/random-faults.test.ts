import { describe, expect, it } from 'vitest';
import { checkFinished } from './checks.ts';
import { planText, SimulatedCluster } from './simulated-cluster.ts';

type Fault = 'kill' | 'restart' | 'cutOff' | 'pause' | 'depose' | 'generator';
const kinds: readonly Fault[] = ['kill', 'restart', 'cutOff', 'pause', 'depose', 'generator'];

/** One cluster, one run, random faults on at most a minority of the nodes. */
export async function simulate(seed: number): Promise<SimulatedCluster> {
  const size = seed % 3 === 0 ? 5 : 3;
  const sim = new SimulatedCluster(seed, size);
  const { random } = sim.world;
  await sim.until(() => sim.leader() !== null);
  const seconds = Math.floor(random.between(5, 11));
  await sim.submit(planText(Math.floor(random.between(15, 60)), seconds), random.pick([...sim.nodes.keys()]));
  const minority = (size - 1) / 2;
  const victims: string[] = [];
  while (victims.length < minority) {
    const id = random.chance(0.5) ? sim.leader()?.id : random.pick([...sim.nodes.keys()]);
    if (id !== undefined && !victims.includes(id)) victims.push(id);
    else victims.push([...sim.nodes.keys()].find((each) => !victims.includes(each))!);
  }
  for (const victim of victims) schedule(sim, victim, random.pick(kinds), random.between(0, (seconds + 3) * 1_000));
  if (random.chance(0.3)) sim.world.after(random.between(0, seconds * 1_000), () => sim.cluster.depose());
  // Nobody knows yet who will lead at that moment: half the faults hit whoever does.
  const isOver = await sim.untilOver();
  expect(
    isOver,
    `seed ${seed}: the run never ended: ${JSON.stringify(sim.run([...sim.nodes.keys()][0]!)?.phase)}`,
  ).toBe(true);
  return sim;
}

function schedule(sim: SimulatedCluster, victim: string, fault: Fault, atMs: number): void {
  const { random } = sim.world;
  const lastsMs = random.between(20, 6_000);
  sim.world.after(atMs, () => {
    if (!sim.nodes.has(victim)) return;
    switch (fault) {
      case 'kill':
        return sim.kill(victim);
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
        if (random.chance(0.5)) {
          sim.world.after(lastsMs, () => sim.nodes.get(victim)?.generators?.killGenerator(1));
        }
    }
  });
}

const seeds = Number(process.env['SEEDS'] ?? 120);
const first = Number(process.env['FIRST_SEED'] ?? 1);

describe('a run under faults of a minority', () => {
  it(`counts every interval once, fires no arrival twice and ends with balanced books, for ${seeds} seeds`, async () => {
    for (let seed = first; seed < first + seeds; seed++) {
      const sim = await simulate(seed);
      try {
        checkFinished(sim);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  }, 120_000);
});
