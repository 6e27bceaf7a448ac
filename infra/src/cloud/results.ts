import type { RunReport } from '../../../node/src/results/report.ts';
import { exitCodes } from '../../../node/src/lib/exit-codes.ts';
import type { CloudContext } from './command.ts';
import { CloudFailure } from './failure.ts';
import type { Storage } from './google/storage.ts';

const pollMs = 3_000;
const sayEveryMs = 30_000;

/** A result in its bucket. */
export interface StoredResult {
  readonly name: string;
  readonly report: RunReport;
}

/** As the leader names them: when the run was submitted, and its id. In the order of that time. */
const resultName = /^\d{4}-\d\d-\d\dT\d{6}Z-.+\.json$/;

/** Names of results, oldest first. */
export async function resultNames(storage: Storage, bucket: string): Promise<readonly string[]> {
  return (await storage.list(bucket)).map(({ name }) => name).filter((name) => resultName.test(name));
}

/** Rejects with a CloudFailure where the object is no result of this version. */
export async function readResult(storage: Storage, bucket: string, name: string): Promise<StoredResult> {
  const text = await storage.read(bucket, name);
  try {
    const report = JSON.parse(text) as RunReport;
    // A version that writes another says so.
    if ((report.schema as string) === 'tutti.report/1') return { name, report };
  } catch (error) {
    throw new CloudFailure(`gs://${bucket}/${name} is no JSON`, exitCodes.unexpected, { cause: error });
  }
  throw new CloudFailure(`gs://${bucket}/${name} is no result that this version reads (tutti.report/1)`);
}

export interface Awaited {
  readonly bucket: string;
  /** gs://bucket/object#generation, as the leader submits it. */
  readonly submission: string;
  readonly timeoutMs: number;
}

/**
 * Looks until the result of that submission is in the bucket. Rejects with a CloudFailure when the time is over; the run may be on
 * all the same.
 */
export async function awaitResult(context: CloudContext, awaited: Awaited): Promise<StoredResult> {
  const { nowMs, pause, say, storage } = context;
  const { bucket, submission, timeoutMs } = awaited;
  const startedMs = nowMs();
  const others = new Set<string>();
  let saidMs = startedMs;
  for (;;) {
    // The newest is the likeliest; each is read once.
    for (const name of (await resultNames(storage, bucket)).toReversed()) {
      if (others.has(name)) continue;
      const result = await readResult(storage, bucket, name);
      if (result.report.run.submission === submission) return result;
      others.add(name);
    }
    const passedMs = nowMs() - startedMs;
    if (passedMs >= timeoutMs)
      throw new CloudFailure(
        `no result of ${submission} within ${Math.round(passedMs / 1000)} s; scripts/cloud status says what the cluster does, scripts/cloud logs why`,
        exitCodes.noCluster,
      );
    if (nowMs() - saidMs >= sayEveryMs) {
      saidMs = nowMs();
      say.progress(`waiting for the result of ${submission}, ${Math.round(passedMs / 1000)} s so far`);
    }
    await pause(pollMs);
  }
}
