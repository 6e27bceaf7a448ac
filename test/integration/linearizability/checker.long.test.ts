import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestContext } from 'vitest';
import { checkHistory, findChecker } from '../../linearizability/check.ts';
import type { Verdict } from '../../linearizability/check.ts';
import { checkerInput, unsettledInput } from '../../linearizability/checker-input.ts';
import type { CheckerInput } from '../../linearizability/checker-input.ts';
import type { ObjectKind, Operation } from '../../linearizability/history.ts';
import { Random } from '../../simulation/random.ts';
import { availableOrSkip } from '../../support/available.ts';
import { add, contains, holds, mismatch, present } from '../../unit/linearizability/history.ts';
import { read, register, set, swap, write, written } from '../../unit/linearizability/history.ts';
import { randomHistory } from './random-history.ts';

/** The first time porcupine is fetched and compiled. */
const patience = { timeout: 300_000 };
const recorded = join(import.meta.dirname, 'recorded');
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tutti-checker-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function judge(context: TestContext, input: CheckerInput): Promise<Verdict> {
  return checkHistory(await availableOrSkip(context, findChecker), input, directory);
}

/** Each under its name; they are judged in one go, since each is an object of its own. */
async function refused(context: TestContext, histories: Record<string, readonly Operation[]>): Promise<string[]> {
  const named = Object.entries(histories).flatMap(([key, history]) => history.map((one) => ({ ...one, key })));
  const { violations, undecided, keys } = await judge(context, checkerInput(named, []));
  expect([keys, undecided]).toEqual([Object.keys(histories).length, []]);
  return violations.map(({ key }) => key);
}

const good: Record<string, readonly Operation[]> = {
  'one after the other': register([0, write('x'), 1, 2, written], [1, read, 3, 4, holds('x')]),
  'a key that was never written': register([0, read, 1, 2, holds(null)]),
  'reads beside a write': register(
    [0, write('x'), 1, 10, written],
    [1, read, 2, 3, holds(null)],
    [2, read, 4, 5, holds('x')],
  ),
  'swaps beside each other': register(
    [0, swap(null, 'x'), 1, 9, written],
    [1, swap('x', 'y'), 2, 8, written],
    [2, swap('x', 'z'), 3, 7, mismatch],
    [3, read, 10, 11, holds('y')],
  ),
  'unknown, and seen much later': register(
    [0, write('x'), 1, 'unknown'],
    [1, read, 2, 3, holds(null)],
    [1, write('y'), 4, 5, written],
    [1, read, 6, 7, holds('y')],
    [1, read, 8, 9, holds('x')],
  ),
  'unknown, and never seen': register([0, write('x'), 1, 'unknown'], [1, read, 2, 3, holds(null)]),
  'unknown, and the reason of a mismatch': register(
    [0, write('x'), 1, 2, written],
    [1, write('y'), 3, 'unknown'],
    [2, swap('x', 'z'), 4, 5, mismatch],
    [2, write('w'), 6, 7, written],
    [2, read, 8, 9, holds('w')],
  ),
  'an unknown swap that found what it expected': register(
    [0, write('x'), 1, 2, written],
    [1, swap('x', 'y'), 3, 'unknown'],
    [2, read, 4, 5, holds('y')],
  ),
  'a set that grows': set(
    [0, add('m'), 1, 2, written],
    [0, add('m'), 3, 4, present],
    [1, add('n'), 1, 9, written],
    [2, read, 5, 6, contains('m')],
    [2, read, 7, 8, contains('n', 'm')],
  ),
  'an unknown addition that comes late': set(
    [0, add('m'), 1, 'unknown'],
    [1, read, 2, 3, contains()],
    [1, read, 4, 5, contains('m')],
  ),
};

const bad: Record<string, readonly Operation[]> = {
  'a stale read': register([0, write('x'), 1, 2, written], [0, write('y'), 3, 4, written], [1, read, 5, 6, holds('x')]),
  'a lost write': register([0, write('x'), 1, 2, written], [1, read, 3, 4, holds(null)]),
  'a value nobody wrote': register([0, read, 1, 2, holds('x')]),
  'a value that was refused': register([0, write('x'), 1, 'refused'], [1, read, 2, 3, holds('x')]),
  'back in time': register([0, write('x'), 1, 10, written], [1, read, 2, 3, holds('x')], [2, read, 4, 5, holds(null)]),
  'two swaps of the same value': register([0, swap(null, 'x'), 1, 9, written], [1, swap(null, 'y'), 2, 8, written]),
  'a mismatch where there is none': register([0, write('x'), 1, 2, written], [1, swap('x', 'y'), 3, 4, mismatch]),
  'unknown, seen, and gone again': register(
    [0, write('x'), 1, 'unknown'],
    [1, read, 2, 3, holds('x')],
    [1, read, 4, 5, holds(null)],
  ),
  'unknown, and seen before it was sent': register([0, read, 1, 2, holds('x')], [1, write('x'), 3, 'unknown']),
  'an unknown swap that found something else': register(
    [0, write('x'), 1, 2, written],
    [1, swap('w', 'y'), 3, 'unknown'],
    [2, read, 4, 5, holds('y')],
  ),
  'a write that happened twice': register(
    [0, write('x'), 1, 2, written],
    [1, write('y'), 3, 4, written],
    [2, read, 5, 6, holds('y')],
    [2, read, 7, 8, holds('x')],
  ),
  'a lost member': set([0, add('m'), 1, 2, written], [1, read, 3, 4, contains()]),
  'a member that vanishes': set(
    [0, add('m'), 1, 'unknown'],
    [1, read, 2, 3, contains('m')],
    [1, read, 4, 5, contains()],
  ),
  'added twice': set([0, add('m'), 1, 2, written], [1, add('m'), 3, 4, written]),
  'present before it was added': set([0, add('m'), 1, 2, present]),
  'two reads that contradict': set(
    [0, add('m'), 1, 9, written],
    [1, add('n'), 1, 9, written],
    [2, read, 2, 3, contains('m')],
    [3, read, 4, 5, contains('n')],
  ),
};

describe('the checker', () => {
  it('finds every history linearizable that is', patience, async (context) => {
    expect(await refused(context, good)).toEqual([]);
  });

  it('refuses every history that is not', patience, async (context) => {
    expect(await refused(context, bad)).toEqual(Object.keys(bad));
  });

  it(
    'refuses what a store gave whose reads skip the consensus, and draws it with the faults',
    patience,
    async (context) => {
      for (const kind of ['register', 'set']) {
        const lines = readFileSync(join(recorded, `stale-${kind}.jsonl`), 'utf8')
          .trim()
          .split('\n');
        const history = lines.map((line) => JSON.parse(line) as Operation);
        const startNs = history[0]!.callNs;
        const faults = [{ kind: 'kill', what: 'SIGKILL of nobody', startNs, endNs: startNs + 1_000 }];
        const { violations } = await judge(context, checkerInput(history, faults));
        expect(violations.map(({ key }) => key)).toEqual([history[0]!.key]);
        const picture = readFileSync(violations[0]!.picture, 'utf8');
        expect(picture).toContain('<html');
        expect(picture).toContain('SIGKILL of nobody');
      }
    },
  );

  it('comes to the same verdict with the intervals as the clients saw them', patience, async (context) => {
    const random = new Random(1, 'histories');
    const histories = (['register', 'set'] as ObjectKind[]).flatMap((kind) =>
      Array.from({ length: 600 }, (_, at) => randomHistory(`${kind}-${at}`, kind, random)),
    );
    const short = await judge(context, checkerInput(histories.flat(), []));
    const full = await judge(context, unsettledInput(histories.flat(), []));
    const refusedIn = ({ violations }: Verdict): string[] => violations.map(({ key }) => key).sort();
    expect(refusedIn(short)).toEqual(refusedIn(full));
    expect(short.undecided).toEqual([]);
    // Or it would compare nothing: there must be many of both.
    for (const kind of ['register', 'set']) {
      const count = refusedIn(full).filter((key) => key.startsWith(kind)).length;
      expect(count).toBeGreaterThan(40);
      expect(count).toBeLessThan(560);
    }
  });
});
