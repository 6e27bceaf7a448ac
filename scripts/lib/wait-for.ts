import { setTimeout as delay } from 'node:timers/promises';

const pollIntervalMs = 100;

/**
 * Asks until the answer is truthy, and returns it. An ask that fails counts as "not yet"; if the last one did, its failure
 * is the reason given at the deadline. `stopWhen` may end the wait at once with a reason of its own.
 */
export async function waitFor<Value>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<Value | false>,
  stopWhen: () => string | null = () => null,
): Promise<Value> {
  const deadlineMs = performance.now() + timeoutMs;
  let lastFailure = '';
  while (performance.now() < deadlineMs) {
    const reason = stopWhen();
    if (reason !== null) throw new Error(`waited for ${what}, but ${reason}`);
    try {
      const value = await ask();
      if (value !== false) return value;
      lastFailure = '';
    } catch (error) {
      lastFailure = error instanceof Error ? error.message : String(error);
    }
    await delay(pollIntervalMs);
  }
  throw new Error(
    `waited ${timeoutMs / 1000} s for ${what}${lastFailure === '' ? '' : ` (last answer: ${lastFailure})`}`,
  );
}
