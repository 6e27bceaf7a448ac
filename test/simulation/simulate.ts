import { parseArgs } from 'node:util';
import { allMutants } from './all-mutants.ts';
import { runSeed, SeedFailure } from './run-seed.ts';

/** Long runs: `node test/simulation/simulate.ts --seeds N --from S`. Exit code 1 and the replay command at the first failure. */
function main(): void {
  const { values } = parseArgs({
    options: {
      mutants: { type: 'string' },
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
    },
  });
  const from = Number(values.from);
  const count = Number(values.seeds);
  if (values.mutants !== undefined) return huntMutants(values.mutants, from, count);
  let steps = 0;
  let committed = 0;
  let installs = 0;
  let slowestMs = 0;
  try {
    for (let seed = from; seed < from + count; seed += 1) {
      const result = runSeed(seed);
      steps += result.steps;
      committed += result.committed;
      installs += result.installs;
      slowestMs = Math.max(slowestMs, result.convergeMs);
      if (count === 1) process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  } catch (error) {
    process.stderr.write(`${error instanceof SeedFailure ? error.message : String(error)}\n`);
    process.exitCode = 1;
    return;
  }
  process.stdout.write(
    `${count} seeds from ${from}: ${steps} steps, ${committed} entries committed, ${installs} snapshots installed, slowest convergence ${slowestMs.toFixed(0)} ms\n`,
  );
}

/** How many seeds the simulator needs to find each known bug, and by which invariant. */
function huntMutants(pattern: string, from: number, count: number): void {
  for (const { name, create, focus } of allMutants.filter((mutant) => mutant.name.includes(pattern))) {
    let found = 'not found';
    for (let seed = from; seed < from + count && found === 'not found'; seed += 1) {
      try {
        runSeed(seed, create, focus);
      } catch (error) {
        found = `after ${seed - from + 1} seeds: ${String((error as SeedFailure).cause)}`;
      }
    }
    process.stdout.write(`${name}: ${found}\n`);
  }
}

main();
