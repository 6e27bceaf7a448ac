import { parseArgs } from 'node:util';
import { allMutants } from './all-mutants.ts';
import { runSeeds } from './run-seeds.ts';
import { runSeed } from './run-seed.ts';
import type { SeedFailure } from './run-seed.ts';

/** Long runs: `npm run simulate -- --seeds N --from S`. Exit code 1 and the replay command at the first failure. */
function main(): void {
  const { values } = parseArgs({
    options: {
      mutants: { type: 'string' },
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
    },
  });
  const [from, count] = [Number(values.from), Number(values.seeds)];
  // Nothing done is not nothing found.
  if (![from, count].every((number) => Number.isSafeInteger(number) && number > 0)) {
    process.stderr.write(`--seeds and --from are whole numbers above 0, not ${values.seeds} and ${values.from}\n`);
    process.exitCode = 2;
    return;
  }
  if (values.mutants !== undefined) return huntMutants(values.mutants, from, count);
  const { isGood, text } = runSeeds(from, count);
  (isGood ? process.stdout : process.stderr).write(`${text}\n`);
  if (!isGood) process.exitCode = 1;
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
