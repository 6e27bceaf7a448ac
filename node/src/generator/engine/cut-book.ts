import { createMeasurements } from '../../results/encoding.ts';
import { emptyBooks, type Books, type Cut, type Measurements } from '../../results/measurements.ts';
import type { Plan } from '../../plan/plan.ts';

/**
 * The second that is being written, and the handing over of it. `emit` must read the cut before it returns: its measurements
 * are cleared and used again, because a histogram is 60 KB.
 */
export class CutBook {
  readonly measurements: Measurements;
  inFlight = 0;
  #books: Books = emptyBooks();
  #number = 0;
  readonly #emit: (cut: Cut) => void;

  constructor(plan: Plan, emit: (cut: Cut) => void) {
    this.measurements = createMeasurements(plan);
    this.#emit = emit;
  }

  /** The number of the first cut; before anything is booked. */
  beginAt(number: number): void {
    this.#number = number;
  }

  /** Run time at which the cut now being written ends. */
  get endMs(): number {
    return (this.#number + 1) * 1000;
  }

  fired(): void {
    this.#books.fired++;
    this.inFlight++;
  }

  dropped(): void {
    this.#books.dropped++;
  }

  notFired(count: number): void {
    this.#books.notFired += count;
  }

  held(ms: number): void {
    this.#books.heldUserMs += Math.round(ms);
  }

  ended(succeeded: boolean): void {
    if (succeeded) this.#books.answered++;
    else this.#books.failed++;
    this.inFlight--;
  }

  /** Closes all seconds that end at or before `runMs`. */
  closeUntil(runMs: number): void {
    while (this.endMs <= runMs) this.#close(false);
  }

  closeLast(): void {
    this.#close(true);
  }

  #close(final: boolean): void {
    const { measurements, inFlight } = this;
    this.#emit({ number: this.#number, final, books: this.#books, inFlight, measurements });
    this.#number++;
    this.#books = emptyBooks();
    clear(measurements);
  }
}

function clear(measurements: Measurements): void {
  for (const scenario of measurements.scenarios) {
    scenario.succeeded = 0;
    scenario.failed = 0;
    scenario.durationUs.reset();
    for (const step of scenario.steps) {
      step.requests = 0;
      step.failed = 0;
      step.statuses.clear();
      step.errors.clear();
      step.assertionsPassed = 0;
      step.assertionsFailed = 0;
      step.extractionsFailed = 0;
      step.resent = 0;
      step.bytesSent = 0;
      step.bytesReceived = 0;
      for (const histogram of [step.responseUs, step.serviceUs, step.latenessUs]) histogram.reset();
    }
  }
}
