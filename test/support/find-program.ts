import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Unavailable } from './unavailable.ts';

/** The program of that name on the PATH or in one of the other directories; null if there is none. */
export async function findProgram(name: string, ...otherDirectories: readonly string[]): Promise<string | null> {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), ...otherDirectories]) {
    const path = join(directory, name);
    if (directory !== '' && (await exists(path))) return path;
  }
  return null;
}

/** The same, or in the cache of tools, where .ci/prepare puts what is unpacked and not installed. @throws Unavailable */
export async function findDebianProgram(name: string, debianPackage: string): Promise<string> {
  const path = await findProgram(name, join(homedir(), '.cache/tutti/tools'));
  if (path !== null) return path;
  throw new Unavailable(`${name} was not found: install it (on Debian it is in the package ${debianPackage})`);
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
