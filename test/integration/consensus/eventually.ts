import { setTimeout as pause } from 'node:timers/promises';

/** Looks until `find` finds something; fails naming what it waited for. */
export async function eventually<T>(
  what: string,
  find: () => T | null | undefined | false,
  withinMs = 10_000,
): Promise<T> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const found = find();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > untilMs) throw new Error(`waited ${withinMs} ms for ${what}`);
    await pause(5);
  }
}
