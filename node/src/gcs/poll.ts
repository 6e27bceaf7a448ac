import { backoffMs, patientBackoff } from '../lib/backoff.ts';
import { TuttiError } from '../lib/errors.ts';
import type { ObjectAddress, StoredText } from './read-object.ts';
import { type Patience, readText } from './read-text.ts';

export interface PollOptions extends Omit<Patience, 'signal'> {
  readonly address: ObjectAddress;
  /** From the beginning of one question to the next. */
  readonly everyMs: number;
  /** The generation that is known already; null: none is. */
  readonly known: string | null;
  /** May be called with what it was called with before, once it could be read again after a failure. */
  readonly onText: (stored: StoredText) => void;
  /** Each time it failed; it is asked again after a pause. */
  readonly onFailure: (error: TuttiError) => void;
}

/** Asks again and again whether the object has another generation. The returned function ends it. */
export function pollObject(options: PollOptions): () => void {
  const poll = new Poll(options);
  poll.ask();
  return () => poll.end();
}

class Poll {
  readonly #options: PollOptions;
  readonly #ended = new AbortController();
  #known: string | null;
  #failures = 0;
  #cancelNext: () => void = () => undefined;

  constructor(options: PollOptions) {
    this.#options = options;
    this.#known = options.known;
  }

  ask(): void {
    const { address, clock, everyMs, onText, random } = this.#options;
    const startedMs = clock.nowMs();
    const { signal } = this.#ended;
    readText(address, this.#known, { clock, random, signal }).then(
      (stored) => {
        if (signal.aborted) return;
        this.#failures = 0;
        this.#askAt(startedMs + everyMs);
        if (stored === null) return;
        this.#known = stored.generation;
        onText(stored);
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
    const { clock, everyMs, onFailure, random } = this.#options;
    this.#failures += 1;
    // Whoever was told of the failure is told that it is over, even if nothing has changed.
    this.#known = null;
    this.#askAt(clock.nowMs() + Math.max(everyMs, backoffMs(this.#failures, random, patientBackoff)));
    onFailure(error);
  }

  #askAt(atMs: number): void {
    this.#cancelNext = this.#options.clock.at(atMs, () => this.ask());
  }
}
