import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allMutants } from './all-mutants.ts';
import { replayCommand } from './run-seed.ts';
import { runSeeds } from './run-seeds.ts';

const simulate = (...flags: string[]): [number | null, string] => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'simulate.ts'), ...flags], {
    encoding: 'utf8',
  });
  return [status, stdout + stderr];
};

describe('npm run simulate', () => {
  it('says what it did, and ends with 0', () => {
    const [status, said] = simulate('--seeds', '1', '--from', '3');
    expect([status, said]).toEqual([0, expect.stringMatching(/1 seeds from 3: \d+ steps, \d+ entries committed/)]);
  });

  it.each([
    ['--seeds', 'many'],
    ['--seeds', '0'],
    ['--from', '1.5'],
  ])('does not take %s %s for a run in which nothing was found', (...flags) => {
    expect(simulate(...flags)).toEqual([2, expect.stringContaining('whole numbers above 0')]);
  });

  it('stops at the first seed that fails, with the command that replays it', () => {
    const { create } = allMutants.find(({ name }) => name.startsWith('promises before persist'))!;
    const { isGood, text } = runSeeds(1, 5, create);
    expect(isGood).toBe(false);
    const seed = Number(/^seed (\d+): SafetyViolation: promise is durable/.exec(text)?.[1]);
    expect(text.endsWith(`replay: ${replayCommand(seed)}`)).toBe(true);
  });
});
