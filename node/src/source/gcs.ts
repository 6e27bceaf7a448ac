import type { ObjectAddress, StoredText } from '../gcs/read-object.ts';
import { pollObject } from '../gcs/poll.ts';
import { readText } from '../gcs/read-text.ts';
import type { Clock } from '../lib/clock.ts';
import type { PlanSource, SourcedPlan } from './source.ts';

export interface GcsOptions {
  readonly address: ObjectAddress;
  /** GCS_POLL_SECS; null: it is read when somebody asks. */
  readonly pollMs: number | null;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * The plan in an object of Cloud Storage. What is the same submission, its generation decides: every upload gives it another one, of
 * the same text too, and nothing else does.
 */
export function gcsSource({ address, pollMs, clock, random }: GcsOptions): PlanSource {
  const name = `gs://${address.bucket}/${address.object}`;
  const planOf = ({ generation, text }: StoredText): SourcedPlan => ({ text, submissionId: `${name}#${generation}` });
  return {
    kind: 'gcs',
    sharedBy: 'cluster',
    name,
    async fetch(signal) {
      const stored = await readText(address, null, { clock, random, signal });
      return planOf(stored!);
    },
    watch:
      pollMs === null
        ? null
        : (since, { onPlan, onFailure }) =>
            pollObject({
              ...{ address, everyMs: pollMs, clock, random, onFailure },
              known: generationIn(since, name),
              onText: (stored) => onPlan(planOf(stored)),
            }),
  };
}

/** Of a submission that came from this object, so that a new leader reads nothing twice. */
function generationIn(submissionId: string | null, name: string): string | null {
  const prefix = `${name}#`;
  if (submissionId === null || !submissionId.startsWith(prefix)) return null;
  return /^\d+/.exec(submissionId.slice(prefix.length))?.[0] ?? null;
}
