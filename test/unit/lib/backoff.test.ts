import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, patientBackoff } from '../../../node/src/lib/backoff.ts';

describe('a pause after failures in a row', () => {
  it('doubles from the first to the longest', () => {
    expect([1, 2, 3, 6, 7, 10_000].map((failures) => backoffMs(failures, () => 0, patientBackoff))).toEqual([
      1_000, 2_000, 4_000, 30_000, 30_000, 30_000,
    ]);
    expect(backoffMs(3, () => 0, { firstMs: 7, longestMs: 20 })).toBe(20);
  });

  it('is shortened by up to half, and differs between those who failed together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const fullMs = backoffMs(failures, () => 0, patientBackoff);
        const pauseMs = backoffMs(failures, () => random, patientBackoff);
        expect(pauseMs).toBeCloseTo(fullMs * (1 - random / 2));
      }),
    );
  });
});
