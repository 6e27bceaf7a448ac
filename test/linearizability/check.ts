import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goTool } from '../support/go-tool.ts';
import type { CheckerInput } from './checker-input.ts';

const maxVerdictBytes = 64 * 1024 * 1024;

export interface Verdict {
  readonly keys: number;
  readonly operations: number;
  readonly violations: readonly { readonly key: string; readonly picture: string }[];
  /** Keys on which porcupine came to no end in its time: neither proved nor disproved. */
  readonly undecided: readonly string[];
}

/** The path of the checker, which is built if it must be. @throws Unavailable */
export const findChecker = (): Promise<string> =>
  goTool('linearizability-checker', join(import.meta.dirname, 'checker'));

/**
 * Asks porcupine whether each object of the history is linearizable. `directory` gets the input and, for each key that is not,
 * a picture to look at in a browser.
 */
export async function checkHistory(checker: string, input: CheckerInput, directory: string): Promise<Verdict> {
  const path = join(directory, 'checker-input.json');
  await writeFile(path, JSON.stringify(input));
  const options = ['-input', path, '-pictures', directory];
  const { stdout } = await promisify(execFile)(checker, options, { maxBuffer: maxVerdictBytes });
  return JSON.parse(stdout) as Verdict;
}
