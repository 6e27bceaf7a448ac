import { describe, expect, it } from 'vitest';
import { knownSeeds } from './known-seeds.ts';
import { runSeed } from './run-seed.ts';

/** About 50 ms each on one core; `node test/simulation/simulate.ts` runs more. */
const SEEDS = 200;
const PER_TEST = 50;

describe('a cluster of cores under faults', () => {
  it.each(Array.from({ length: SEEDS / PER_TEST }, (_, at) => 1 + at * PER_TEST))(
    `keeps every invariant, and recovers once healed: ${PER_TEST} seeds from %i`,
    (from) => {
      let committed = 0;
      let reads = 0;
      let installs = 0;
      for (let seed = from; seed < from + PER_TEST; seed += 1) {
        const result = runSeed(seed);
        committed += result.committed;
        reads += result.reads;
        installs += result.installs;
      }
      // A simulation in which nothing is ever committed, read or sent as a snapshot would keep every invariant too.
      expect(committed).toBeGreaterThan(PER_TEST * 20);
      expect(reads).toBeGreaterThan(PER_TEST * 5);
      expect(installs).toBeGreaterThan(PER_TEST / 5);
    },
    60_000,
  );

  it.each(knownSeeds)('survives known seed $seed: $showed', ({ seed }) => {
    expect(runSeed(seed).committed).toBeGreaterThan(0);
  });

  it('is the same, event by event, in two runs of a seed, and another with another seed', () => {
    expect(runSeed(7)).toEqual(runSeed(7));
    expect(runSeed(7).hash).not.toBe(runSeed(8).hash);
  });
});
