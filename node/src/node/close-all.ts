export type Close = () => Promise<void> | void;

/**
 * Closes the last opened first, each of them even if another fails: a log left open or a lock left behind costs the next start.
 * Rejects with the first failure once all were tried.
 */
export async function closeAll(opened: readonly Close[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of opened.toReversed()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
