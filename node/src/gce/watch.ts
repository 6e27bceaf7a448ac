import { type Backoff, backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import { readAttribute } from './attribute.ts';

/** How long the server may hold an answer back: whoever wants to know whether it still answers knows it after so long. */
const waitSecs = 20;
/** From there until the answer is here. */
const slackMs = 5_000;
/** Between the beginnings of two questions, whatever the server answers. */
const minGapMs = 250;
/** An attribute that is not there cannot be waited for. */
const missingGapMs = 2_000;
/** The server is on the machine itself and serves this machine alone. */
const pauses: Backoff = { firstMs: 500, longestMs: 5_000 };

/** A value that was heard so long ago may have changed since: the server has missed its answer, and one more. */
export const attributeLastsMs = 2 * (waitSecs * 1000 + slackMs);

export interface WatchAttributeOptions {
  readonly host: string;
  readonly name: string;
  /** After every answer, so also with what it was called with before; null: there is no such attribute. */
  readonly onValue: (text: string | null) => void;
  /** Each time it could not be read, before it is asked again. What was known last may still be true. */
  readonly onFailure: (error: TuttiError) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Asks for the attribute, and then again and again for a change of it. The returned function ends that. */
export function watchAttribute(options: WatchAttributeOptions): () => void {
  const watch = new Watch(options);
  watch.ask();
  return () => watch.end();
}

class Watch {
  readonly #options: WatchAttributeOptions;
  readonly #ended = new AbortController();
  #etag: string | null = null;
  #failures = 0;
  #cancelNext: () => void = () => undefined;

  constructor(options: WatchAttributeOptions) {
    this.#options = options;
  }

  ask(): void {
    const { clock, host, name, onValue } = this.#options;
    const startedMs = clock.nowMs();
    const { signal } = this.#ended;
    const wait = this.#etag === null ? null : { etag: this.#etag, seconds: waitSecs };
    const timeoutMs = (wait === null ? 0 : waitSecs * 1000) + slackMs;
    readAttribute(host, { name, wait, timeoutMs, signal }).then(
      ({ text, etag }) => {
        if (signal.aborted) return;
        this.#failures = 0;
        this.#etag = etag;
        this.#askAt(startedMs + (etag === null ? missingGapMs : minGapMs));
        onValue(text);
      },
      (thrown: unknown) => {
        if (!signal.aborted) this.#failed(TuttiError.from(thrown));
      },
    );
  }

  end(): void {
    this.#ended.abort();
    this.#cancelNext();
  }

  #failed(error: TuttiError): void {
    const { clock, onFailure, random } = this.#options;
    this.#failures += 1;
    // What it has now is read at once when it is back.
    this.#etag = null;
    this.#askAt(clock.nowMs() + backoffMs(this.#failures, random, pauses));
    onFailure(error);
  }

  #askAt(atMs: number): void {
    this.#cancelNext = this.#options.clock.at(atMs, () => this.ask());
  }
}
