import { writeNewObject } from '../gcs/write-object.ts';
import type { Settings } from '../settings/schema.ts';
import { gcsAccess } from './gcs-access.ts';
import type { WriteResult } from './keep-results.ts';

/** Null: results stay in the cluster. */
export async function openResults(settings: Settings): Promise<WriteResult | null> {
  const { gcsResultsBucket: bucket } = settings;
  if (bucket === null) return null;
  const access = await gcsAccess(settings, 'write');
  return async (object, text, signal) => ({
    isNew: await writeNewObject(access, { bucket, object, text }, signal),
    where: `gs://${bucket}/${object}`,
  });
}
