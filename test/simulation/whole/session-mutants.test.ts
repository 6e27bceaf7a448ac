import { describe, expect, it } from 'vitest';
import { check, simulate } from './simulate.ts';
import { sessionMutants } from './session-mutants.ts';

describe('the simulator finds known bugs of client sessions', () => {
  it.each(sessionMutants)('$name, within $withinSeeds seeds', async ({ create, withinSeeds, foundAs }) => {
    let failure: unknown;
    for (let seed = 1; seed <= withinSeeds && failure === undefined; seed += 1) {
      try {
        check(await simulate(seed, create));
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).message).toContain(foundAs);
  });
});
