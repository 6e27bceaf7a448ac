import { TuttiError } from '../lib/errors.ts';
import { decodeHistogram, encodeHistogram } from './encode-histogram.ts';
import type { Histogram } from './histogram.ts';
import {
  emptyBooks,
  errorCategories,
  type Books,
  type Cut,
  type EncodedCut,
  type EncodedMeasurements,
  type EncodedScenario,
  type EncodedStep,
  type Measurements,
  type StepMeasurements,
} from './measurements.ts';
import { bookLines } from './merge.ts';

export { decodeHistogram, encodeHistogram } from './encode-histogram.ts';
export { addBooks, addMeasurements, createMeasurements, sameShape } from './merge.ts';

/** Equal measurements give equal text once it is JSON: keys come in a fixed order, whatever order things were counted in. */
export function encodeMeasurements(measurements: Measurements): EncodedMeasurements {
  return measurements.scenarios.map((scenario) => ({
    ok: scenario.succeeded,
    failed: scenario.failed,
    duration: encodeHistogram(scenario.durationUs),
    steps: scenario.steps.map(encodeStep),
  }));
}

function encodeStep(step: StepMeasurements): EncodedStep {
  return {
    n: step.requests,
    failed: step.failed,
    statuses: Object.fromEntries(step.statuses),
    errors: Object.fromEntries(
      errorCategories.flatMap((error) => (step.errors.has(error) ? [[error, step.errors.get(error)!]] : [])),
    ),
    assertions: [step.assertionsPassed, step.assertionsFailed],
    extractionsFailed: step.extractionsFailed,
    ...(step.resent > 0 ? { resent: step.resent } : {}),
    bytes: [step.bytesSent, step.bytesReceived],
    response: encodeHistogram(step.responseUs),
    service: encodeHistogram(step.serviceUs),
    lateness: encodeHistogram(step.latenessUs),
  };
}

/** The inverse of `encodeMeasurements`. It came over a wire: throws INTERNAL, naming the place, when it is not one. */
export function decodeMeasurements(encoded: unknown): Measurements {
  return {
    scenarios: list(encoded, 'measurements').map((each, index) => {
      const at = `scenario ${index}`;
      const scenario: Unchecked<EncodedScenario> = record(each, at);
      return {
        succeeded: count(scenario.ok, at),
        failed: count(scenario.failed, at),
        durationUs: histogram(scenario.duration, at),
        steps: list(scenario.steps, at).map((step, position) => decodeStep(step, `${at}, step ${position}`)),
      };
    }),
  };
}

function decodeStep(encoded: unknown, at: string): StepMeasurements {
  const step: Unchecked<EncodedStep> = record(encoded, at);
  const [passed, failed] = list(step.assertions, at);
  const [sent, received] = list(step.bytes, at);
  const statuses = Object.entries(record(step.statuses, at));
  const errors = record(step.errors, at);
  const known = errorCategories.filter((error) => error in errors);
  if (known.length !== Object.keys(errors).length) throw garbage(at, 'an unknown error category');
  if (!statuses.every(([status]) => /^[0-9]{3}$/.test(status))) throw garbage(at, 'a status that is not three digits');
  return {
    requests: count(step.n, at),
    failed: count(step.failed, at),
    statuses: new Map(statuses.map(([status, times]) => [Number(status), count(times, at)])),
    errors: new Map(known.map((error) => [error, count(errors[error], at)])),
    assertionsPassed: count(passed, at),
    assertionsFailed: count(failed, at),
    extractionsFailed: count(step.extractionsFailed, at),
    resent: count(step.resent ?? 0, at),
    bytesSent: count(sent, at),
    bytesReceived: count(received, at),
    responseUs: histogram(step.response, at),
    serviceUs: histogram(step.service, at),
    latenessUs: histogram(step.lateness, at),
  };
}

export function encodeCut(cut: Cut): EncodedCut {
  const { number, final, inFlight } = cut;
  return { number, final, books: { ...cut.books }, inFlight, measurements: encodeMeasurements(cut.measurements) };
}

/** Throws INTERNAL when it is not a cut. */
export function decodeCut(encoded: unknown): Cut {
  const cut: Unchecked<EncodedCut> = record(encoded, 'cut');
  if (typeof cut.final !== 'boolean') throw garbage('cut', 'final is not a boolean');
  return {
    number: count(cut.number, 'cut'),
    final: cut.final,
    books: decodeBooks(cut.books),
    inFlight: count(cut.inFlight, 'cut'),
    measurements: decodeMeasurements(cut.measurements),
  };
}

/** Throws INTERNAL when they are not books. */
export function decodeBooks(encoded: unknown): Books {
  const books: Unchecked<Books> = record(encoded, 'books');
  const read = emptyBooks();
  for (const line of bookLines) read[line] = count(books[line], `books.${line}`);
  return read;
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw garbage(at, 'a list is missing');
  return value;
}

/** Only the names of the fields are known; each is checked where it is read. */
type Unchecked<Shape> = { readonly [Field in keyof Shape]?: unknown };

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw garbage(at, 'an object is missing');
  return value as Readonly<Record<string, unknown>>;
}

function count(value: unknown, at: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw garbage(at, `a count is ${String(value)}`);
}

function histogram(value: unknown, at: string): Histogram {
  if (typeof value === 'string') return decodeHistogram(value);
  throw garbage(at, 'a histogram is missing');
}

function garbage(at: string, why: string): TuttiError {
  return new TuttiError('INTERNAL', `encoded measurements cannot be read (${at}): ${why}`);
}
