import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TuttiError } from '../lib/errors.ts';

/** What a source delivers: the text, and an id under which the same content is the same submission. */
export interface SourcedPlan {
  readonly text: string;
  readonly submissionId: string;
}

/**
 * The plan in a file of this machine. Its content is the submission: neither a restart nor a re-election repeats the run, a
 * changed file is a new one. Rejects with SETTINGS_INVALID when the file cannot be read.
 */
export async function fetchFromFile(path: string): Promise<SourcedPlan> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new TuttiError('SETTINGS_INVALID', `CLUSTER_CONFIG_FILE: cannot read ${path} (${code})`, { cause: error });
  });
  return { text, submissionId: `file:${createHash('sha256').update(text).digest('hex')}` };
}
