import { execFile } from 'node:child_process';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exists, findProgram } from './find-program.ts';
import { Unavailable } from './unavailable.ts';

const run = promisify(execFile);
const cache = join(homedir(), '.cache/tutti/tools');
/** Consul takes two and a half minutes on two idle cores; a quarter of an hour was seen on busy ones. */
export const buildTimeoutMs = 1_800_000;
const maxOutputBytes = 16 * 1024 * 1024;

/** The program `name-key` of the cache; if it is not there, `build` makes it at the path it is given. @throws Unavailable */
export async function buildOnce(
  name: string,
  key: string,
  build: (go: string, aside: string) => Promise<unknown>,
): Promise<string> {
  const path = join(cache, `${name}-${key}`);
  if (await exists(path)) return path;
  const go = await findGo(name);
  await mkdir(cache, { recursive: true });
  // Built aside, so that of two builds at once neither is run half written.
  const aside = `${path}.${process.pid}`;
  try {
    await build(go, aside);
  } catch (error) {
    await rm(aside, { force: true });
    if (error instanceof Unavailable) throw error;
    throw new Unavailable(`${name} cannot be built: ${reasonOf(error)}`);
  }
  await rename(aside, path);
  return path;
}

/** What went wrong, in one line, without what was downloaded before it did. */
function reasonOf(error: unknown): string {
  const { stderr = '', killed } = error as { readonly stderr?: string; readonly killed?: boolean };
  if (killed === true) return `it took longer than ${buildTimeoutMs / 60_000} minutes`;
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('go: downloading '));
  return lines.length > 0 ? lines.join('; ') : String(error).split('\n')[0]!;
}

/** Standard output of the go command. */
export async function runGo(
  go: string,
  command: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<string> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: buildTimeoutMs, maxBuffer: maxOutputBytes };
  const { stdout } = await run(go, command, options);
  return stdout;
}

async function findGo(name: string): Promise<string> {
  const go = await findProgram('go', '/usr/local/go/bin');
  if (go !== null) return go;
  throw new Unavailable(`${name} is a Go program: install Go 1.23 or later (https://go.dev/dl) and put it on the PATH`);
}
