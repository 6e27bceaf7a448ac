import { describe, expect, it } from 'vitest';
import { allMutants } from './all-mutants.ts';
import { replayCommand, runSeed, SeedFailure } from './run-seed.ts';

describe('the simulator finds known bugs', () => {
  it.each(allMutants)(
    '$name, within $withinSeeds seeds from $fromSeed',
    ({ create, fromSeed, withinSeeds, foundAs, focus }) => {
      let failure: unknown;
      for (let seed = fromSeed; seed < fromSeed + withinSeeds && failure === undefined; seed += 1) {
        try {
          runSeed(seed, create, focus);
        } catch (error) {
          failure = error;
        }
      }
      expect(failure).toBeInstanceOf(SeedFailure);
      const { message } = failure as SeedFailure;
      expect(message).toContain(foundAs === 'liveness' ? 'Error: liveness' : `SafetyViolation: ${foundAs}`);
      const seed = Number(/^seed (\d+)/.exec(message)?.[1]);
      expect(message.endsWith(`replay: ${replayCommand(seed)}`)).toBe(true);
    },
    60_000,
  );
});
