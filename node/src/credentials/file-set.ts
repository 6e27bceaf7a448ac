import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** The link to the set that counts. */
export const CURRENT = 'current';
const SET = /^set-/;
const HALF_DONE = /^\.current-/;

/** Files of one set, by name. */
export type FileSet = Readonly<Record<string, string>>;

/** What `FOLDER/current` holds of these files; null for one that is not there. */
export async function readSet(
  folder: string,
  names: readonly string[],
): Promise<Readonly<Record<string, string | null>>> {
  const read = async (name: string): Promise<readonly [string, string | null]> => {
    try {
      return [name, await readFile(join(folder, CURRENT, name), 'utf8')];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [name, null];
      throw error;
    }
  };
  return Object.fromEntries(await Promise.all(names.map(read)));
}

/**
 * Writes a set of files, readable by this user alone, and exchanges it for the one that counts by one rename of a link: whoever reads
 * `FOLDER/current/...` gets the one set or the other, and after a crash one of them is there whole. The set before it stays, for whoever is reading it;
 * older ones go.
 */
export async function writeSet(folder: string, files: FileSet): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const before = await readlink(join(folder, CURRENT)).catch(noSuchLink);
  const name = `set-${randomBytes(8).toString('hex')}`;
  await mkdir(join(folder, name), { mode: 0o700 });
  for (const [file, text] of Object.entries(files)) await writeDurably(join(folder, name, file), text);
  await syncFolder(join(folder, name));
  const link = join(folder, `.current-${name}`);
  await symlink(name, link);
  await rename(link, join(folder, CURRENT));
  await syncFolder(folder);
  const isOld = (entry: string): boolean =>
    (SET.test(entry) && entry !== name && entry !== before) || HALF_DONE.test(entry);
  for (const entry of (await readdir(folder)).filter(isOld)) await rm(join(folder, entry), { recursive: true });
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The names in a folder are durable only when the folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function noSuchLink(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
