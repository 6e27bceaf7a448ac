import { patientBackoff } from '../lib/backoff.ts';
import type { TuttiError } from '../lib/errors.ts';
import { keepAsking } from '../lib/keep-asking.ts';
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
export function pollObject({
  address,
  everyMs,
  onText,
  onFailure,
  clock,
  random,
  ...options
}: PollOptions): () => void {
  let { known } = options;
  return keepAsking({
    ask: (signal) => readText(address, known, { clock, random, signal }),
    onAnswer: (stored) => {
      if (stored === null) return everyMs;
      known = stored.generation;
      onText(stored);
      return everyMs;
    },
    onFailure: (error) => {
      // Whoever was told of the failure is told that it is over, even if nothing has changed.
      known = null;
      onFailure(error);
    },
    ...{ pauses: patientBackoff, leastPauseMs: everyMs, clock, random },
  });
}
