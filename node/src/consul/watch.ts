import type { Clock } from '../lib/clock.ts';
import { patientBackoff } from '../lib/backoff.ts';
import type { TuttiError } from '../lib/errors.ts';
import { keepAsking } from '../lib/keep-asking.ts';

/**
 * How long Consul may hold an answer back. One that was killed and began anew, indexes and all, may be asked for what comes after an
 * index it will not reach for hours, and holds that question as long as it may: no connection fails where it is back in time.
 */
const waitMs = 10_000;
/** It adds up to a sixteenth of that by itself, so that those who wait do not all come back at once. */
const jitterFraction = 16;
/** From there until the answer has crossed the network. */
const slackMs = 5_000;
/** Between the beginnings of two questions: what changes all the time must not keep anybody busy with nothing else. */
const minGapMs = 250;

/** Of a question that waits for a change. */
export interface Blocking {
  /** The state the asker knows; 0: none, so it is answered at once. */
  readonly index: number;
  /** In Consul's notation. */
  readonly wait: string;
}

export interface WatchOptions<Value> {
  readonly ask: (asked: {
    readonly blocking: Blocking;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }) => Promise<{ readonly index: number; readonly value: Value }>;
  /** The index of what is known already; 0: nothing is. */
  readonly fromIndex: number;
  /** May be called with what it was called with before: an answer is no promise of a change. */
  readonly onValue: (value: Value) => void;
  /** Each time it failed, before it is asked again after a pause; what may have changed meanwhile is read anew then. */
  readonly onFailure: (error: TuttiError) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Asks Consul one blocking query after the other, by its rules (developer.hashicorp.com/consul/api-docs/features/blocking): an
 * index that goes back, or is none, means that it began anew; the rate is bounded; failures are followed by longer and longer
 * pauses. The returned function ends it.
 */
export function watchConsul<Value>(options: WatchOptions<Value>): () => void {
  const { ask, clock, random, onValue, onFailure } = options;
  const timeoutMs = waitMs + waitMs / jitterFraction + slackMs;
  let known = options.fromIndex;
  return keepAsking({
    ask: (signal) => ask({ blocking: { index: known, wait: `${waitMs / 1000}s` }, timeoutMs, signal }),
    onAnswer: ({ index, value }) => {
      known = nextIndex(known, index);
      onValue(value);
      return minGapMs;
    },
    onFailure: (error) => {
      known = 0;
      onFailure(error);
    },
    ...{ pauses: patientBackoff, clock, random },
  });
}

/**
 * One that goes back is of a Consul that began anew, or was restored: whatever it has is read at once, without waiting. Of an
 * answer without a usable index nothing is known but that waiting for index 1 does wait, where 0 would be a busy loop.
 */
export function nextIndex(known: number, answered: number): number {
  const index = Math.max(1, answered);
  return index < known ? 0 : index;
}
