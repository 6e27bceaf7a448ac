import type { Clock } from './clock.ts';

/** Whether it came to that moment of the clock before the signal. */
export function reached(clock: Clock, atMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (isReached: boolean): void => {
      cancel();
      signal.removeEventListener('abort', abort);
      resolve(isReached);
    };
    const abort = (): void => end(false);
    const cancel = clock.at(atMs, () => end(true));
    signal.addEventListener('abort', abort, { once: true });
  });
}
