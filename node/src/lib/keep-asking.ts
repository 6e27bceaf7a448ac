import { type Backoff, backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { TuttiError } from './errors.ts';

export interface Asking<Answer> {
  readonly ask: (signal: AbortSignal) => Promise<Answer>;
  /** Returns how long after the beginning of this question the next one may begin, in milliseconds. */
  readonly onAnswer: (answer: Answer) => number;
  /** Each time it failed; the next question follows after a pause, from now on. */
  readonly onFailure: (error: TuttiError) => void;
  readonly pauses: Backoff;
  /** However short those pauses are. */
  readonly leastPauseMs?: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Asks one question after the other for ever: the next when it is due, after failures in longer and longer pauses. The returned
 * function ends it: the question under way is given up, and nothing is called any more.
 */
export function keepAsking<Answer>(asking: Asking<Answer>): () => void {
  const { clock, onAnswer, onFailure, random, pauses, leastPauseMs = 0 } = asking;
  const ended = new AbortController();
  const { signal } = ended;
  let failures = 0;
  let cancelNext: () => void = () => undefined;
  const next = (atMs: number): void => {
    // It may have been ended by the one who was told.
    if (!signal.aborted) cancelNext = clock.at(atMs, ask);
  };
  const failed = (error: TuttiError): void => {
    failures += 1;
    const fromMs = clock.nowMs();
    onFailure(error);
    next(fromMs + Math.max(leastPauseMs, backoffMs(failures, random, pauses)));
  };
  function ask(): void {
    const startedMs = clock.nowMs();
    asking.ask(signal).then(
      (answer) => {
        if (signal.aborted) return;
        failures = 0;
        next(startedMs + onAnswer(answer));
      },
      (thrown: unknown) => {
        if (!signal.aborted) failed(TuttiError.from(thrown));
      },
    );
  }
  ask();
  return () => {
    ended.abort();
    cancelNext();
  };
}
