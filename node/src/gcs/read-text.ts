import { type Backoff, backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { reached } from '../lib/reached.ts';
import { GoogleFailure } from '../google/failure.ts';
import { type ObjectAddress, readObject, type StoredText } from './read-object.ts';

/** The last attempt begins by then. With what that may take, it is less than `tutti reload` waits. */
const patienceMs = 5_000;
/** An upload that deletes and creates has created by then. */
const missingPatienceMs = 3_000;
/** Somebody may be waiting. */
const pauses: Backoff = { firstMs: 200, longestMs: 2_000 };

export interface Patience {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/**
 * The object's text and generation, tried again with growing, jittered pauses while that may help. Null: it still has the
 * generation that is `known`. Rejects with GCS_FAILED, or SOURCE_FAILED where there is no such object or it is no plan.
 */
export async function readText(
  address: ObjectAddress,
  known: string | null,
  { clock, random, signal }: Patience,
): Promise<StoredText | null> {
  const startedMs = clock.nowMs();
  for (let failures = 1; ; failures += 1) {
    try {
      return await readObject(address, known, signal);
    } catch (thrown) {
      if (!(thrown instanceof GoogleFailure)) throw thrown;
      const nextMs = clock.nowMs() + backoffMs(failures, random, pauses);
      const isOver = nextMs > startedMs + forMs[thrown.kind];
      if (isOver || !(await reached(clock, nextMs, signal))) throw thrown.asError('GCS_FAILED');
    }
  }
}

const forMs = { missing: missingPatienceMs, passing: patienceMs, lasting: 0 } as const;
