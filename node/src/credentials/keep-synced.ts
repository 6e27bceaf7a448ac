import { type Backoff, backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { GoogleFailure } from '../google/failure.ts';
import { reached } from '../lib/reached.ts';
import type { Synced } from './sync.ts';

/** A passing failure of one attempt is most often over after the first pause. */
const pauses: Backoff = { firstMs: 500, longestMs: 2_000 };
const patienceMs = 8_000;
/** Where somebody has to act, or Google is away for longer. */
const lastingPauses: Backoff = { firstMs: 5_000, longestMs: 60_000 };

export interface SyncLoop {
  /** One attempt. */
  readonly sync: (signal: AbortSignal) => Promise<Synced>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Once, tried again for some seconds while that may help. Rejects with CREDENTIALS_FAILED. */
export async function syncOnce({ sync, clock, random, signal }: SyncLoop): Promise<Synced> {
  const startedMs = clock.nowMs();
  for (let failures = 1; ; failures += 1) {
    try {
      return await sync(signal);
    } catch (thrown) {
      const nextMs = clock.nowMs() + backoffMs(failures, random, pauses);
      const mayPass = thrown instanceof GoogleFailure && thrown.kind === 'passing' && nextMs <= startedMs + patienceMs;
      if (!mayPass || !(await reached(clock, nextMs, signal))) throw asError(thrown);
    }
  }
}

/**
 * Again and again, `everyMs` apart and less by up to a tenth at random, so that the nodes of a cluster do not ask together. What is there stays whatever fails; a failure is
 * logged once for each reason, and tried again sooner. Ends by the signal.
 */
export async function keepSynced(loop: SyncLoop & { readonly everyMs: number; readonly log: Log }): Promise<void> {
  const { clock, random, signal, everyMs, log } = loop;
  let failures = 0;
  let told = '';
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    let pauseMs = everyMs * (1 - random() / 10);
    try {
      const { isChanged, lines } = await loop.sync(signal);
      if (isChanged) log.info({}, `takes the changed credentials: ${lines.join('; ')}`);
      else if (failures > 0) log.info({}, 'the credentials are up to date again');
      [failures, told] = [0, ''];
    } catch (thrown) {
      if (isOver()) return;
      const { code, message } = asError(thrown);
      failures += 1;
      pauseMs = Math.min(pauseMs, backoffMs(failures, random, lastingPauses));
      if (message !== told) log.error({ code }, message);
      told = message;
    }
    await reached(clock, clock.nowMs() + pauseMs, signal);
  }
}

function asError(thrown: unknown): TuttiError {
  return thrown instanceof GoogleFailure ? thrown.asError('CREDENTIALS_FAILED') : TuttiError.from(thrown);
}
