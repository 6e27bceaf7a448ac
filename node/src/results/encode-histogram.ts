import { TuttiError } from '../lib/errors.ts';
import { bucketCount, bucketOf, Histogram, lowestOf, type BucketCount } from './histogram.ts';

/** A varint of a number below 2^53 takes at most 8 bytes. */
const maxVarintBytes = 8;
const maxEncodedBytes = maxVarintBytes * (3 + 2 * bucketCount);
/** One for all calls: encoding is synchronous, and the text is made from it before anything else can run. */
const scratch = new Uint8Array(maxEncodedBytes);

/**
 * Sparse and compact: base64 of varints (sum, min, max, then for each filled bucket the distance to the one before and the
 * count). Empty: the empty string. Equal histograms give equal text. About 2.5 KB for a heavy-tailed second
 * (load-testing.md 4b).
 */
export function encodeHistogram(histogram: Histogram): string {
  if (histogram.count === 0) return '';
  let at = 0;
  const put = (value: number): void => {
    let rest = value;
    // Beyond 32 bits the bit operators would cut the value off.
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) scratch[at++] = (rest % 128) | 128;
    for (; rest >= 128; rest >>>= 7) scratch[at++] = (rest & 127) | 128;
    scratch[at++] = rest;
  };
  put(histogram.sum);
  put(histogram.min);
  put(histogram.max);
  let previous = -1;
  for (const { bucket, count } of histogram.buckets()) {
    put(bucket - previous);
    put(count);
    previous = bucket;
  }
  return Buffer.from(scratch.buffer, 0, at).toString('base64');
}

/** Throws INTERNAL when the text is not what `encodeHistogram` writes. */
export function decodeHistogram(text: string): Histogram {
  if (text === '') return new Histogram();
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips what is not base64; such text is garbage, not a shorter histogram.
  if (bytes.toString('base64') !== text) throw garbage('not base64');
  let at = 0;
  const take = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw garbage('it ends in the middle of a number');
      value += (byte & 127) * scale;
      if (!Number.isSafeInteger(value)) throw garbage('a number is too large');
      if (byte < 128) return value;
    }
  };
  const exact = { sum: take(), min: take(), max: take() };
  const buckets: BucketCount[] = [];
  let bucket = -1;
  while (at < bytes.length) {
    const distance = take();
    const count = take();
    bucket += distance;
    if (distance === 0 || bucket >= bucketCount || count === 0) throw garbage('its buckets are out of order');
    buckets.push({ bucket, count });
  }
  if (!agrees(buckets, exact)) throw garbage('its exact figures and its buckets disagree');
  return Histogram.of(buckets, exact);
}

function agrees(buckets: readonly BucketCount[], exact: { sum: number; min: number; max: number }): boolean {
  const first = buckets[0];
  const last = buckets.at(-1);
  if (first === undefined || last === undefined || exact.max > lowestOf(bucketCount - 1)) return false;
  return bucketOf(exact.min) === first.bucket && bucketOf(exact.max) === last.bucket && exact.sum >= exact.max;
}

function garbage(why: string): TuttiError {
  return new TuttiError('INTERNAL', `an encoded histogram cannot be read: ${why}`);
}
