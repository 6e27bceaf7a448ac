import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** A disk that hangs must not keep the process from ending: what close waits for each of transport and store. */
export const closeTimeoutMs = 5_000;

/** Resolves when the part has closed, has failed to, or takes longer than `closeTimeoutMs`; the last two are logged. */
export function closeInTime(what: string, closing: Promise<void>, clock: Clock, log: Log): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.at(clock.nowMs() + closeTimeoutMs, () => {
      log.error({ what, waitedMs: closeTimeoutMs }, `${what} did not close; going on without it`);
      resolve();
    });
    const finish = (): void => {
      cancel();
      resolve();
    };
    closing.then(finish, (error: unknown) => {
      log.error({ what, error }, `${what} did not close cleanly`);
      finish();
    });
  });
}
