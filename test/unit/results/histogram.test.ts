import fc from 'fast-check';
import * as hdr from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import {
  bucketCount,
  bucketOf,
  Histogram,
  lowestOf,
  maxRecordable,
  middleOf,
} from '../../../node/src/results/histogram.ts';
import { encodeHistogram } from '../../../node/src/results/encoding.ts';

/** Durations as they come: many small, few large, over all octaves. */
const duration = fc
  .tuple(fc.integer({ min: 0, max: 36 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([exponent, within]) => Math.min(maxRecordable, Math.floor(2 ** exponent * (1 + within))));
const durations = fc.array(duration, { minLength: 1, maxLength: 300 });
const quantiles = [0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

function of(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

function merged(...histograms: readonly Histogram[]): Histogram {
  const sum = new Histogram();
  for (const histogram of histograms) sum.add(histogram);
  return sum;
}

/** Equal text is equality of everything: counts, sum, min and max. */
const same = (a: Histogram, b: Histogram): void => expect(encodeHistogram(a)).toBe(encodeHistogram(b));

function nearestRank(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
}

describe('the layout', () => {
  it('has no gap and no overlap: each bucket begins where the one before ends, at every power of two', () => {
    for (let bucket = 1; bucket < bucketCount; bucket++) {
      expect(bucketOf(lowestOf(bucket))).toBe(bucket);
      expect(bucketOf(lowestOf(bucket) - 1)).toBe(bucket - 1);
    }
  });

  it.each([255, 256, 257, 511, 512, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 35 - 1, maxRecordable])(
    'knows %d to within 1/512 of itself',
    (value) => {
      expect(Math.abs(middleOf(bucketOf(value)) - value)).toBeLessThanOrEqual(value / 512);
    },
  );

  it('counts what is too long as the longest, what is negative as zero, and refuses NaN', () => {
    const histogram = of([maxRecordable * 8, Infinity, -5]);
    expect([histogram.min, histogram.max, histogram.count]).toEqual([0, maxRecordable, 3]);
    expect(() => histogram.record(NaN)).toThrow('NaN');
  });
});

describe('quantiles', () => {
  it('are within 1/512 of the nearest-rank sample of the exact sort', () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(...quantiles), (values, q) => {
        const exact = nearestRank(values, q);
        expect(Math.abs(of(values).quantile(q) - exact)).toBeLessThanOrEqual(exact / 512);
      }),
      { numRuns: 500 },
    );
  });

  it('agree with hdr-histogram-js within a bucket', () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(...quantiles), (values, q) => {
        const oracle = hdr.build({
          lowestDiscernibleValue: 1,
          highestTrackableValue: maxRecordable * 2,
          numberOfSignificantValueDigits: 4,
        });
        for (const value of values) oracle.recordValue(value);
        const theirs = oracle.getValueAtPercentile(q * 100);
        expect(Math.abs(of(values).quantile(q) - theirs)).toBeLessThanOrEqual(1 + theirs / 256);
      }),
      { numRuns: 100 },
    );
  });

  it.each([1, 2, 5])(
    'of %d merged nodes equal those of all samples pooled, and the exact sort within 1/512',
    (nodes) => {
      fc.assert(
        fc.property(durations, (values) => {
          const shards = Array.from({ length: nodes }, (_, node) =>
            of(values.filter((_, index) => index % nodes === node)),
          );
          const merge = merged(...shards);
          for (const q of quantiles) {
            expect(merge.quantile(q)).toBe(of(values).quantile(q));
            const exact = nearestRank(values, q);
            expect(Math.abs(merge.quantile(q) - exact)).toBeLessThanOrEqual(exact / 512);
          }
        }),
      );
    },
  );

  it('of nothing are NaN, and so is the mean', () => {
    expect(new Histogram().quantile(0.5)).toBeNaN();
    expect(new Histogram().mean).toBeNaN();
  });
});

describe('merging', () => {
  it('shards gives the whole, in any order and grouping', () => {
    fc.assert(
      fc.property(durations, durations, durations, (a, b, c) => {
        const whole = of([...a, ...b, ...c]);
        same(merged(of(a), of(b), of(c)), whole);
        same(merged(of(c), of(a), of(b)), whole);
        same(merged(of(a), merged(of(b), of(c))), whole);
      }),
    );
  });

  it('leaves the one that is added as it was', () => {
    const added = of([3, 70_000]);
    const before = encodeHistogram(added);
    const into = merged(added);
    into.record(3, 10);
    expect(encodeHistogram(added)).toBe(before);
  });

  it('an empty one changes nothing, and a reset one is empty', () => {
    const histogram = of([5, 6]);
    histogram.reset();
    same(histogram, new Histogram());
    same(merged(histogram, of([9])), of([9]));
  });
});

describe('countAbove', () => {
  it('never counts a value that is not above, and misses at most those of the same bucket', () => {
    fc.assert(
      fc.property(durations, duration, (values, limit) => {
        const above = of(values).countAbove(limit);
        expect(above).toBeLessThanOrEqual(values.filter((value) => value > limit).length);
        expect(above).toBeGreaterThanOrEqual(values.filter((value) => value > limit + 1 + limit / 256).length);
      }),
    );
  });
});
