import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TuttiError } from '../lib/errors.ts';
import type { PlanSource, SourcedPlan } from './source.ts';

/** The plan in a file of this machine. */
export function fileSource(path: string): PlanSource {
  return { kind: 'file', sharedBy: 'node', name: path, fetch: () => fetchFromFile(path), watch: null };
}

/** Its content is the submission: neither a restart nor a re-election repeats the run, a changed file is a new one. */
async function fetchFromFile(path: string): Promise<SourcedPlan> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new TuttiError('SETTINGS_INVALID', `CLUSTER_CONFIG_FILE: cannot read ${path} (${code})`, { cause: error });
  });
  return { text, submissionId: `file:${createHash('sha256').update(text).digest('hex')}` };
}
