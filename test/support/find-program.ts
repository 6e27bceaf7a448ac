import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The program of that name on the PATH or in one of the other directories; null if there is none. */
export async function findProgram(name: string, ...otherDirectories: readonly string[]): Promise<string | null> {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), ...otherDirectories]) {
    const path = join(directory, name);
    if (directory !== '' && (await exists(path))) return path;
  }
  return null;
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
