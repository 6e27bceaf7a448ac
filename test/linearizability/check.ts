import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { CheckerInput } from './checker-input.ts';
import { Unavailable } from './unavailable.ts';

const run = promisify(execFile);
const sources = join(import.meta.dirname, 'checker');
const cache = join(homedir(), '.cache/tutti/tools');
const buildTimeoutMs = 300_000;
const maxVerdictBytes = 64 * 1024 * 1024;

export interface Verdict {
  readonly keys: number;
  readonly operations: number;
  readonly violations: readonly { readonly key: string; readonly picture: string }[];
  /** Keys on which porcupine came to no end in its time: neither proved nor disproved. */
  readonly undecided: readonly string[];
}

/** The path of the checker: the one in the cache if it was made from these sources, else it is built. @throws Unavailable */
export async function findChecker(): Promise<string> {
  const path = join(cache, `linearizability-${await digestOfSources()}`);
  if (await exists(path)) return path;
  const go = await findGo();
  await mkdir(cache, { recursive: true });
  // Built aside, so that of two builds at once neither is run half written.
  const aside = `${path}.${process.pid}`;
  try {
    await run(go, ['build', '-trimpath', '-o', aside, '.'], { cwd: sources, timeout: buildTimeoutMs });
  } catch (error) {
    const reason = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    throw new Unavailable(`the linearizability checker cannot be built: ${reason.replaceAll('\n', '; ')}`);
  }
  await rename(aside, path);
  return path;
}

/**
 * Asks porcupine whether each object of the history is linearizable. `directory` gets the input and, for each key that is not,
 * a picture to look at in a browser.
 */
export async function checkHistory(checker: string, input: CheckerInput, directory: string): Promise<Verdict> {
  const path = join(directory, 'checker-input.json');
  await writeFile(path, JSON.stringify(input));
  const { stdout } = await run(checker, ['-input', path, '-pictures', directory], { maxBuffer: maxVerdictBytes });
  return JSON.parse(stdout) as Verdict;
}

/** Of everything the program is made from: go.mod and go.sum pin porcupine. */
async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(sources)).sort()) {
    hash.update(name).update(await readFile(join(sources, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function findGo(): Promise<string> {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin'];
  for (const directory of directories) {
    const path = join(directory, 'go');
    if (directory !== '' && (await exists(path))) return path;
  }
  throw new Unavailable(
    'the linearizability checker is a Go program: install Go 1.21 or later (https://go.dev/dl) and put it on the PATH',
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
