import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addBooks,
  addMeasurements,
  createMeasurements,
  decodeCut,
  decodeHistogram,
  decodeMeasurements,
  encodeCut,
  encodeHistogram,
  encodeMeasurements,
} from '../../../node/src/results/encoding.ts';
import { Histogram } from '../../../node/src/results/histogram.ts';
import { emptyBooks, errorCategories, type Measurements } from '../../../node/src/results/measurements.ts';

const plan = { scenarios: [{ steps: [1, 2] }, { steps: [1] }] };
const amount = fc.integer({ min: 0, max: 2 ** 40 });
const values = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** 36 }), fc.integer({ min: 1, max: 2 ** 10 })), {
  maxLength: 40,
});

const histogram = values.map((pairs) => {
  const made = new Histogram();
  for (const [value, times] of pairs) made.record(value, times);
  return made;
});

const step = fc.record({
  requests: amount,
  failed: amount,
  statuses: fc
    .array(fc.tuple(fc.integer({ min: 100, max: 599 }), amount), { maxLength: 4 })
    .map((each) => new Map(each)),
  errors: fc
    .array(fc.tuple(fc.constantFrom(...errorCategories), amount), { maxLength: 4 })
    .map((each) => new Map(each)),
  assertionsPassed: amount,
  assertionsFailed: amount,
  extractionsFailed: amount,
  resent: amount,
  bytesSent: amount,
  bytesReceived: amount,
  responseUs: histogram,
  serviceUs: histogram,
  latenessUs: histogram,
});
const scenarioOf = (steps: number): fc.Arbitrary<Measurements['scenarios'][number]> =>
  fc.record({
    succeeded: amount,
    failed: amount,
    durationUs: histogram,
    steps: fc.array(step, { minLength: steps, maxLength: steps }),
  });
const measurements: fc.Arbitrary<Measurements> = fc.record({ scenarios: fc.tuple(scenarioOf(2), scenarioOf(1)) });

const text = (each: Measurements): string => JSON.stringify(encodeMeasurements(each));
function sum(...parts: readonly Measurements[]): Measurements {
  const whole = createMeasurements(plan);
  for (const part of parts) addMeasurements(whole, part);
  return whole;
}

describe('the text form', () => {
  it('is the identity through JSON and back, histograms included', () => {
    fc.assert(
      fc.property(measurements, (given) => {
        const back = decodeMeasurements(JSON.parse(text(given)));
        expect(text(back)).toBe(text(given));
        expect(back.scenarios[0]!.steps[0]!.statuses).toEqual(given.scenarios[0]!.steps[0]!.statuses);
        expect(back.scenarios[0]!.steps[0]!.errors).toEqual(given.scenarios[0]!.steps[0]!.errors);
        const [ours, theirs] = [back.scenarios[0]!.durationUs, given.scenarios[0]!.durationUs];
        expect([...ours.buckets()]).toEqual([...theirs.buckets()]);
        expect([ours.count, ours.sum, ours.min, ours.max]).toEqual([theirs.count, theirs.sum, theirs.min, theirs.max]);
      }),
    );
  });

  it('of what was written before requests sent again were counted is read with none', () => {
    const made = createMeasurements(plan);
    expect(text(made)).not.toContain('resent');
    expect(decodeMeasurements(JSON.parse(text(made))).scenarios[0]!.steps[0]!.resent).toBe(0);
  });

  it('adds: associative, commutative, and without touching what is added', () => {
    fc.assert(
      fc.property(measurements, measurements, measurements, (a, b, c) => {
        const before = [a, b, c].map(text);
        const whole = text(sum(a, b, c));
        expect(text(sum(c, b, a))).toBe(whole);
        expect(text(sum(sum(a, b), c))).toBe(whole);
        expect([a, b, c].map(text)).toEqual(before);
      }),
      { numRuns: 50 },
    );
  });

  it('does not depend on the order in which things were counted', () => {
    const [a, b] = [createMeasurements(plan), createMeasurements(plan)];
    const [first, second] = [a.scenarios[0]!.steps[0]!, b.scenarios[0]!.steps[0]!];
    for (const error of ['timeout_error', 'dns_error'] as const) first.errors.set(error, 1);
    for (const error of ['dns_error', 'timeout_error'] as const) second.errors.set(error, 1);
    for (const status of [500, 200]) first.statuses.set(status, 1);
    for (const status of [200, 500]) second.statuses.set(status, 1);
    expect(text(a)).toBe(text(b));
  });

  it('is small: a second of 2,000 heavy-tailed samples takes under 3 KB a histogram', () => {
    const made = new Histogram();
    for (let n = 1; n <= 2_000; n++) made.record(500 * (1 + Math.tan((n / 2_001) * 1.57)));
    expect(encodeHistogram(made).length).toBeLessThan(3_000);
  });
});

describe('what is not such a text', () => {
  const good = encodeMeasurements(createMeasurements(plan));
  const withStep = (change: object): unknown => [{ ...good[0], steps: [{ ...good[0]!.steps[0], ...change }] }];
  it.each([
    ['nothing', null],
    ['a number', 7],
    ['a scenario that is text', ['x']],
    ['a count that is negative', [{ ...good[0], ok: -1 }]],
    ['a count that is text', [{ ...good[0], ok: '1' }]],
    ['no steps', [{ ...good[0], steps: undefined }]],
    ['a status of two digits', withStep({ statuses: { 20: 1 } })],
    ['an unknown error category', withStep({ errors: { sunspots: 1 } })],
    ['requests sent again that are no count', withStep({ resent: -1 })],
    ['bytes without the received', withStep({ bytes: [1] })],
    ['a histogram that is no base64', withStep({ response: '!!!!' })],
    ['a histogram that is null', withStep({ response: null })],
  ])('is refused: %s', (_name, encoded) => {
    expect(() => decodeMeasurements(encoded)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('is refused for any cut-off or altered histogram, or read as another valid one: never another error', () => {
    const made = new Histogram();
    for (const value of [1, 300, 2 ** 33]) made.record(value, 1_000);
    const bytes = Buffer.from(encodeHistogram(made), 'base64');
    for (let length = 1; length < bytes.length - 1; length++) {
      const cut = bytes.subarray(0, length).toString('base64');
      expect(() => decodeHistogram(cut)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (garbage) => {
        const base64 = Buffer.from(garbage).toString('base64');
        let read: Histogram;
        try {
          read = decodeHistogram(base64);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INTERNAL' });
          return;
        }
        expect(read.quantile(0.5)).toBeGreaterThanOrEqual(read.min);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('cuts and books', () => {
  it('a cut comes back as it was', () => {
    const cut = {
      number: 3,
      final: true,
      books: { ...emptyBooks(), fired: 4, heldUserMs: 1_500 },
      inFlight: 2,
      measurements: createMeasurements(plan),
    };
    expect(decodeCut(JSON.parse(JSON.stringify(encodeCut(cut))))).toEqual(cut);
    expect(() => decodeCut({ ...encodeCut(cut), books: { fired: 1 } })).toThrow('books.dropped');
    expect(() => decodeCut({ ...encodeCut(cut), final: 'yes' })).toThrow('final');
  });

  it('books add line by line', () => {
    const books = { fired: 1, dropped: 2, notFired: 3, lost: 4, answered: 5, failed: 6, heldUserMs: 7 };
    const sum = { ...books };
    addBooks(sum, books);
    expect(sum).toEqual({ fired: 2, dropped: 4, notFired: 6, lost: 8, answered: 10, failed: 12, heldUserMs: 14 });
  });

  it('measurements of different plans do not add', () => {
    expect(() =>
      addMeasurements(createMeasurements(plan), createMeasurements({ scenarios: [{ steps: [1] }] })),
    ).toThrow('different plans');
  });
});
