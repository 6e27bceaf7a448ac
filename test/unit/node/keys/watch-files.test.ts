import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TuttiError } from '../../../../node/src/lib/errors.ts';
import { watchFiles } from '../../../../node/src/node/keys/watch-files.ts';
import { ManualClock } from '../../transport/manual-clock.ts';

/** Of a busy machine. */
const patient = { timeout: 15_000 };

let folder: string;
let clock: ManualClock;
let taken: string[];
let problems: string[];
let looks: number;
let stop: () => void;

/** Two files that fit together when both hold the same. */
function take(contents: readonly Buffer[]): void {
  const [left, right] = contents.map(String);
  if (left !== right) throw new TuttiError('SETTINGS_INVALID', `${left} does not fit ${right}`);
  taken.push(left!);
}

function put(set: string, left: string, right = left): void {
  mkdirSync(join(folder, set));
  writeFileSync(join(folder, set, 'left'), left);
  writeFileSync(join(folder, set, 'right'), right);
  symlinkSync(set, join(folder, '.next'));
  renameSync(join(folder, '.next'), join(folder, 'current'));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-watch-'));
  [clock, taken, problems, looks] = [new ManualClock(), [], [], 0];
  put('one', 'first');
  const files = ['left', 'right'].map((name) => join(folder, 'current', name));
  const counted = {
    nowMs: () => clock.nowMs(),
    at(atMs: number, callback: () => void): () => void {
      looks += 1;
      return clock.at(atMs, callback);
    },
  };
  stop = watchFiles({
    ...{ files, initially: files.map((file) => readFileSync(file)), clock: counted, take },
    onProblem: ({ message }) => void problems.push(message),
  });
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

/** One look, to its end: the next one is due. */
async function look(): Promise<void> {
  const before = looks;
  clock.advance(5_000);
  await vi.waitFor(() => expect(looks).toBe(before + 1), patient);
}

describe('files that are watched', () => {
  it('are taken once, when a link leads to another set; what has not changed is not taken', async () => {
    await look();
    expect(taken).toEqual([]);
    put('two', 'second');
    await look();
    await look();
    expect([taken, problems]).toEqual([['second'], []]);
  });

  it('that do not fit together are a problem when they still do not at the next look, once, and those before stay', async () => {
    put('two', 'second', 'third');
    await look();
    expect(problems).toEqual([]);
    await look();
    await look();
    expect([taken, problems]).toEqual([[], ['second does not fit third']]);
    put('three', 'third');
    await look();
    expect(taken).toEqual(['third']);
  });

  it('that are gone are a problem as well', async () => {
    rmSync(join(folder, 'one', 'right'));
    await look();
    await look();
    expect(problems).toEqual([expect.stringMatching(/^cannot read .*current\/right \(ENOENT\)$/)]);
  });

  it('are not looked at any more once somebody ends it', async () => {
    stop();
    put('two', 'second');
    clock.advance(60_000);
    await new Promise(setImmediate);
    expect([taken, looks]).toEqual([[], 1]);
  });
});
