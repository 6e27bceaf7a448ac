// What one interval costs a node the whole way, from a generator's cut to a replicated state, by how many it has done before:
//   scripts/with-node test/bench/first-interval.ts [rounds, 5] [plan, examples/checkout.yaml]
// Processor time in ms, medians over fresh processes, as JSON on standard output.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../node/src/lib/clock.ts';
import { parsePlan } from '../../node/src/plan/parse.ts';
import { warmUpIntervals } from '../../node/src/runtime/warm-up.ts';

const positions = [1, 2, 5, 10, 20];
const inThisProcess = '--in-this-process';

/** Lets one interval begin, and no second one. */
function clockOfOne(): Clock {
  let nowMs = 0;
  return { nowMs: () => (nowMs += 150), at: () => () => undefined };
}

async function costsMs(planPath: string): Promise<readonly number[]> {
  const parsed = parsePlan(readFileSync(planPath, 'utf8'));
  if (!parsed.ok) throw new Error(`${planPath} is no plan: see tutti validate`);
  const costs: number[] = [];
  while (costs.length < positions.at(-1)!) {
    const before = process.cpuUsage();
    await warmUpIntervals(parsed.plan, clockOfOne());
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1_000);
  }
  return positions.map((position) => costs[position - 1]!);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

if (process.argv[2] === inThisProcess) {
  console.log(JSON.stringify(await costsMs(process.argv[3]!)));
} else {
  const rounds = Number(process.argv[2] ?? 5);
  const planPath = process.argv[3] ?? 'examples/checkout.yaml';
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('usage: first-interval.ts [rounds] [plan]');
  const seen = Array.from({ length: rounds }, () => {
    const text = execFileSync(process.execPath, [import.meta.filename, inThisProcess, planPath], { encoding: 'utf8' });
    return JSON.parse(text) as readonly number[];
  });
  const cpuMs = Object.fromEntries(
    positions.map((position, at) => [position, Number(median(seen.map((costs) => costs[at]!)).toFixed(1))]),
  );
  console.log(JSON.stringify({ plan: planPath, rounds, cpuMsByPosition: cpuMs }));
}
