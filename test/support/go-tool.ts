import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Unavailable } from './unavailable.ts';

const run = promisify(execFile);
const cache = join(homedir(), '.cache/tutti/tools');
const buildTimeoutMs = 300_000;

/**
 * The path of a program in Go whose sources are in this repository: the one in the cache if it was made from exactly these,
 * else it is built. go.mod and go.sum pin what it is made of. @throws Unavailable
 */
export async function goTool(name: string, sources: string): Promise<string> {
  const path = join(cache, `${name}-${await digestOf(sources)}`);
  if (await exists(path)) return path;
  const go = await findGo(name);
  await mkdir(cache, { recursive: true });
  // Built aside, so that of two builds at once neither is run half written.
  const aside = `${path}.${process.pid}`;
  try {
    await run(go, ['build', '-trimpath', '-o', aside, '.'], { cwd: sources, timeout: buildTimeoutMs });
  } catch (error) {
    const reason = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    throw new Unavailable(`${name} cannot be built: ${reason.replaceAll('\n', '; ')}`);
  }
  await rename(aside, path);
  return path;
}

/** The program of that name on the PATH or in one of the other directories; null if there is none. */
export async function findProgram(name: string, ...otherDirectories: readonly string[]): Promise<string | null> {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), ...otherDirectories]) {
    const path = join(directory, name);
    if (directory !== '' && (await exists(path))) return path;
  }
  return null;
}

async function findGo(name: string): Promise<string> {
  const go = await findProgram('go', '/usr/local/go/bin');
  if (go !== null) return go;
  throw new Unavailable(`${name} is a Go program: install Go 1.23 or later (https://go.dev/dl) and put it on the PATH`);
}

async function digestOf(sources: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(sources)).sort()) {
    hash.update(name).update(await readFile(join(sources, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
