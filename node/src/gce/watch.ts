import type { Backoff } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { TuttiError } from '../lib/errors.ts';
import { keepAsking } from '../lib/keep-asking.ts';
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
export function watchAttribute({ host, name, onValue, onFailure, clock, random }: WatchAttributeOptions): () => void {
  let known: string | null = null;
  return keepAsking({
    ask: (signal) => {
      const wait = known === null ? null : { etag: known, seconds: waitSecs };
      return readAttribute(host, { name, wait, timeoutMs: (wait?.seconds ?? 0) * 1000 + slackMs, signal });
    },
    onAnswer: ({ text, etag }) => {
      known = etag;
      onValue(text);
      return etag === null ? missingGapMs : minGapMs;
    },
    onFailure: (error) => {
      // What it has now is read at once when it is back.
      known = null;
      onFailure(error);
    },
    ...{ pauses, clock, random },
  });
}
