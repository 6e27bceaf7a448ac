import type { TestContext } from 'vitest';
import { Unavailable } from './unavailable.ts';

/** What a machine may lack: the test is skipped with the reason, aloud; in CI nobody would see that, and it fails. */
export async function availableOrSkip<Value>(context: TestContext, find: () => Promise<Value>): Promise<Value> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof Unavailable) || process.env.CI) throw error;
    process.stderr.write(`NOT CHECKED: ${error.message}\n`);
    return context.skip(error.message);
  }
}
