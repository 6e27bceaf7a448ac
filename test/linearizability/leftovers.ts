import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'tutti-linearizability-run-';

/** Of the directories of a run: its pid tells whether it is still at work. */
export const directoryPrefix = (pid: number): string => `${prefix}${pid}-`;

/** Removes the directories of runs that were killed; all else of a run ends with it. */
export async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process of that pid, which may be a run of theirs.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
