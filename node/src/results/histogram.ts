import { invariant } from '../lib/invariant.ts';

/** Sub-buckets per power of two: a value is known to within 1/256 of itself, its bucket's middle to within 1/512. */
const mantissaBits = 8;
const subBuckets = 1 << mantissaBits;
/** 2^36 us are 19 hours; longer values count as that. */
const maxExponent = 36;
const bucketCount = (maxExponent - mantissaBits + 1) * subBuckets + subBuckets;
export const maxRecordable = 2 ** maxExponent;

/**
 * Counts of whole non-negative numbers (microseconds) in a fixed log-linear layout: adding two histograms is adding their
 * counts, so a merge is exact and its order does not matter (load-testing.md 4b). `min`, `max` and `sum` are exact.
 */
export class Histogram {
  #counts: Float64Array | null = null;
  count = 0;
  sum = 0;
  min = Infinity;
  max = 0;

  record(value: number, times = 1): void {
    const whole = value < 0 ? 0 : value > maxRecordable ? maxRecordable : Math.round(value);
    const counts = (this.#counts ??= new Float64Array(bucketCount));
    counts[bucketOf(whole)]! += times;
    this.count += times;
    this.sum += whole * times;
    if (whole < this.min) this.min = whole;
    if (whole > this.max) this.max = whole;
  }

  add(other: Histogram): void {
    if (other.count === 0) return;
    const counts = (this.#counts ??= new Float64Array(bucketCount));
    const others = other.#counts!;
    for (let bucket = 0; bucket < bucketCount; bucket++) counts[bucket]! += others[bucket]!;
    this.count += other.count;
    this.sum += other.sum;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
  }

  /**
   * The value at the nearest rank ceil(q * count), as the middle of its bucket, never outside [min, max]: within 1/512 of
   * the sample that stands there. NaN when empty.
   */
  quantile(q: number): number {
    invariant(q >= 0 && q <= 1, `quantile ${q} lies outside 0..1`);
    if (this.count === 0) return NaN;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#counts![bucket]!;
      if (seen >= rank) return Math.min(this.max, Math.max(this.min, middleOf(bucket)));
    }
    return this.max;
  }

  get mean(): number {
    return this.count === 0 ? NaN : this.sum / this.count;
  }

  reset(): void {
    this.#counts?.fill(0);
    this.count = 0;
    this.sum = 0;
    this.min = Infinity;
    this.max = 0;
  }

  /** Buckets that hold something, in rising order. */
  *buckets(): IterableIterator<{ readonly bucket: number; readonly count: number }> {
    if (this.#counts === null) return;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const count = this.#counts[bucket]!;
      if (count > 0) yield { bucket, count };
    }
  }

  /** The inverse of `buckets` with the exact figures beside it (results/encoding.ts). */
  static of(
    buckets: Iterable<{ readonly bucket: number; readonly count: number }>,
    exact: { readonly sum: number; readonly min: number; readonly max: number },
  ): Histogram {
    const histogram = new Histogram();
    for (const { bucket, count } of buckets) {
      invariant(bucket >= 0 && bucket < bucketCount, `bucket ${bucket} lies outside the layout`);
      histogram.#counts ??= new Float64Array(bucketCount);
      histogram.#counts[bucket]! += count;
      histogram.count += count;
    }
    if (histogram.count > 0) Object.assign(histogram, exact);
    return histogram;
  }
}

/** Below 256 each value has its own bucket; above, 256 buckets share each power of two. */
export function bucketOf(whole: number): number {
  if (whole < subBuckets) return whole;
  const exponent = whole < 2 ** 31 ? 31 - Math.clz32(whole) : Math.floor(Math.log2(whole));
  const shift = exponent - mantissaBits;
  return (shift + 1) * subBuckets + Math.floor(whole / 2 ** shift) - subBuckets;
}

export function middleOf(bucket: number): number {
  if (bucket < subBuckets) return bucket;
  const shift = Math.floor(bucket / subBuckets) - 1;
  const low = ((bucket % subBuckets) + subBuckets) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}
