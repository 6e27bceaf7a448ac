import { expect } from 'vitest';
import type { TestCluster } from './cluster.ts';
import type { startRecorder } from './helpers.ts';

/**
 * What the last run fired of `planned` arrivals is at the target, each once, behind what came before it: resolves with how much that
 * was. A machine that stands still for longer than the horizon keeps arrivals from being fired, which the books tell; nothing else does.
 */
export async function firedOnce(
  cluster: TestCluster,
  recorder: Awaited<ReturnType<typeof startRecorder>>,
  planned: number,
): Promise<number> {
  const { books } = await cluster.report();
  expect(books).toMatchObject({ planned, lost: 0, balanced: true });
  expect(books.fired + books.notFired + books.dropped).toBe(planned);
  expect(books.fired).toBeGreaterThan(planned / 2);
  const { numbers } = await recorder.hits();
  expect(new Set(numbers.slice(-books.fired)).size).toBe(books.fired);
  return numbers.length - books.fired;
}
