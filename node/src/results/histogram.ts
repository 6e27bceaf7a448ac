import { invariant } from '../lib/invariant.ts';

/** Sub-buckets per power of two: a value is known to within 1/256 of itself, its bucket's middle to within 1/512. */
const mantissaBits = 8;
const subBuckets = 1 << mantissaBits;
const subBucketMask = subBuckets - 1;
/** 2^36 us are 19 hours; longer values count as that. */
const maxExponent = 36;
/** One octave for the values below 256, one for each power of two from there on, the largest recordable value's included. */
const octaveCount = maxExponent - mantissaBits + 2;
export const bucketCount = octaveCount * subBuckets;
export const maxRecordable = 2 ** maxExponent;

/** A bucket of the fixed layout and how many values fell into it. */
export interface BucketCount {
  readonly bucket: number;
  readonly count: number;
}

/**
 * Counts of whole non-negative numbers (microseconds) in a fixed log-linear layout: adding two histograms is adding their
 * counts, so a merge is exact and its order does not matter (load-testing.md 4b). `min`, `max` and `sum` are exact.
 *
 * Counts are kept by octave (256 buckets of one power of two, 2 KiB), made when first needed: a whole layout takes 60 KiB,
 * three per step and a hundred steps 18 MiB, of which a real distribution uses a tenth. Counts are doubles, exact to 2^53:
 * 32 bits would overflow within a day at a hundred thousand equal values a second.
 */
export class Histogram {
  #octaves: (Float64Array | undefined)[] = [];
  count = 0;
  sum = 0;
  min = Infinity;
  max = 0;

  /** Rounds to the nearest whole number; negative values count as 0, values above `maxRecordable` as that. */
  record(value: number, times = 1): void {
    invariant(value === value, 'NaN is no duration');
    const whole = value > maxRecordable ? maxRecordable : value > 0 ? Math.round(value) : 0;
    const bucket = bucketOf(whole);
    (this.#octaves[bucket >>> mantissaBits] ??= new Float64Array(subBuckets))[bucket & subBucketMask]! += times;
    this.count += times;
    this.sum += whole * times;
    if (whole < this.min) this.min = whole;
    if (whole > this.max) this.max = whole;
  }

  /** Adding a histogram to itself doubles it. */
  add(other: Histogram): void {
    if (other.count === 0) return;
    other.#octaves.forEach((theirs, octave) => {
      if (theirs === undefined) return;
      const ours = (this.#octaves[octave] ??= new Float64Array(subBuckets));
      for (let sub = 0; sub < subBuckets; sub++) ours[sub]! += theirs[sub]!;
    });
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
    // The first and the last rank are known exactly, whatever their buckets say.
    if (rank === 1) return this.min;
    if (rank >= this.count) return this.max;
    let seen = 0;
    for (const { bucket, count } of this.buckets()) {
      seen += count;
      if (seen >= rank) return Math.min(this.max, Math.max(this.min, middleOf(bucket)));
    }
    return this.max;
  }

  get mean(): number {
    return this.count === 0 ? NaN : this.sum / this.count;
  }

  /**
   * How many values were certainly greater than `value`: those in its own bucket are not counted, so it errs by at most
   * 1/256 of `value` and never accuses wrongly.
   */
  countAbove(value: number): number {
    const limit = bucketOf(Math.min(maxRecordable, Math.max(0, Math.floor(value))));
    let above = 0;
    for (const { bucket, count } of this.buckets()) if (bucket > limit) above += count;
    return above;
  }

  /** Keeps the memory: the generator's histograms are emptied every second and filled alike in the next. */
  reset(): void {
    for (const octave of this.#octaves) octave?.fill(0);
    this.count = 0;
    this.sum = 0;
    this.min = Infinity;
    this.max = 0;
  }

  /** Buckets that hold something, in rising order. */
  *buckets(): IterableIterator<BucketCount> {
    for (let octave = 0; octave < this.#octaves.length; octave++) {
      const counts = this.#octaves[octave];
      if (counts === undefined) continue;
      for (let sub = 0; sub < subBuckets; sub++) {
        const count = counts[sub]!;
        if (count > 0) yield { bucket: (octave << mantissaBits) + sub, count };
      }
    }
  }

  /** The inverse of `buckets` with the exact figures beside it (results/encode-histogram.ts). */
  static of(
    buckets: Iterable<BucketCount>,
    exact: { readonly sum: number; readonly min: number; readonly max: number },
  ): Histogram {
    const histogram = new Histogram();
    for (const { bucket, count } of buckets) {
      invariant(bucket >= 0 && bucket < bucketCount, `bucket ${bucket} lies outside the layout`);
      const octave = (histogram.#octaves[bucket >>> mantissaBits] ??= new Float64Array(subBuckets));
      octave[bucket & subBucketMask]! += count;
      histogram.count += count;
    }
    if (histogram.count > 0) Object.assign(histogram, exact);
    return histogram;
  }
}

/** Of a whole number up to `maxRecordable`. Below 256 each has its own bucket; above, 256 buckets share each power of two. */
export function bucketOf(whole: number): number {
  if (whole < subBuckets) return whole;
  if (whole < 2 ** 31) {
    const shift = 31 - Math.clz32(whole) - mantissaBits;
    return (shift << mantissaBits) + (whole >>> shift);
  }
  // Bit operations know 32 bits only: take the exponent from the upper part, which is exact where a logarithm might round.
  const shift = 31 + (31 - Math.clz32(Math.floor(whole / 2 ** 31))) - mantissaBits;
  return (shift << mantissaBits) + Math.floor(whole / 2 ** shift);
}

/** The middle of the whole numbers that share a bucket. */
export function middleOf(bucket: number): number {
  return lowestOf(bucket) + (2 ** shiftOf(bucket) - 1) / 2;
}

/** The smallest number of a bucket. */
export function lowestOf(bucket: number): number {
  if (bucket < subBuckets) return bucket;
  return ((bucket & subBucketMask) + subBuckets) * 2 ** shiftOf(bucket);
}

function shiftOf(bucket: number): number {
  return Math.max(0, (bucket >>> mantissaBits) - 1);
}
