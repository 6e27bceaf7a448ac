import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconnectDelayMs } from '../../../node/src/transport/backoff.ts';
import { ProblemReporter } from '../../../node/src/transport/problems.ts';
import type { PeerProblem } from '../../../node/src/transport/transport.ts';

describe('problem reporter', () => {
  const make = (): { readonly reporter: ProblemReporter; readonly seen: string[]; readonly repeated: string[] } => {
    const [seen, repeated]: [string[], string[]] = [[], []];
    const news = ({ address, reason }: PeerProblem): void => void seen.push(`${address} ${reason}`);
    const again = ({ address, reason }: PeerProblem): void => void repeated.push(`${address} ${reason}`);
    return { seen, repeated, reporter: new ProblemReporter({ news, again }) };
  };

  it('reports each reason of a place once, though two alternate, until it is gone', () => {
    const { reporter, seen, repeated } = make();
    for (let round = 0; round < 5; round += 1) {
      reporter.report('b:1', 'theirs');
      reporter.report('b:1', 'ours');
    }
    reporter.report('c:1', 'ours');
    expect(seen).toEqual(['b:1 theirs', 'b:1 ours', 'c:1 ours']);
    expect(repeated).toEqual(Array.from({ length: 4 }, () => ['b:1 theirs', 'b:1 ours']).flat());
    reporter.gone('b:1');
    reporter.report('b:1', 'ours');
    expect(seen).toHaveLength(4);
  });

  it('keeps what listed peers said, though strangers come by the thousand', () => {
    const { reporter, seen } = make();
    for (let index = 0; index < 1_000; index += 1) {
      reporter.report('b:1', 'wrong id');
      reporter.report(`stranger-${index}`, 'wrong secret');
    }
    expect(seen.filter((line) => line.startsWith('b:1'))).toHaveLength(1);
  });
});

describe('reconnect delay', () => {
  it('is none at first, then 10 ms growing to 500 ms, shortened by at most half', () => {
    expect(reconnectDelayMs(0, () => 0)).toBe(0);
    expect([1, 2, 3, 6, 7, 50].map((failures) => reconnectDelayMs(failures, () => 0))).toEqual([
      10, 20, 40, 320, 500, 500,
    ]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const delay = reconnectDelayMs(failures, () => random);
          expect(delay).toBeGreaterThanOrEqual(5);
          expect(delay).toBeLessThanOrEqual(500);
        },
      ),
    );
  });
});
