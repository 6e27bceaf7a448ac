import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes `<folder>/unsent-<run>.json`: what a node measured and no cluster ever took. */
export function writeUnsentTo(folder: string): (runId: string, text: string) => Promise<string> {
  return async (runId, text) => {
    await mkdir(folder, { recursive: true });
    const path = join(folder, `unsent-${runId}.json`);
    await writeFile(path, text);
    return path;
  };
}
