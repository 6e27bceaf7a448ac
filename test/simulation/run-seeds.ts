import { createRaft } from '../../node/src/raft/raft.ts';
import { runSeed, SeedFailure } from './run-seed.ts';

/** Runs so many seeds until one fails; `text` says what was done, or how it failed and how to see that again. */
export function runSeeds(
  from: number,
  count: number,
  createCore = createRaft,
): { readonly isGood: boolean; readonly text: string } {
  let steps = 0;
  let committed = 0;
  let installs = 0;
  let slowestMs = 0;
  let last = '';
  try {
    for (let seed = from; seed < from + count; seed += 1) {
      const result = runSeed(seed, createCore);
      steps += result.steps;
      committed += result.committed;
      installs += result.installs;
      slowestMs = Math.max(slowestMs, result.convergeMs);
      last = JSON.stringify(result);
    }
  } catch (error) {
    return { isGood: false, text: error instanceof SeedFailure ? error.message : String(error) };
  }
  const sum = `${count} seeds from ${from}: ${steps} steps, ${committed} entries committed, ${installs} snapshots installed, slowest convergence ${slowestMs.toFixed(0)} ms`;
  return { isGood: true, text: count === 1 ? `${last}\n${sum}` : sum };
}
