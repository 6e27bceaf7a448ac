import { askGoogle, failureIn, type GoogleAccess, type GoogleRequest } from '../google/request.ts';
import { allowOn, gcsEndpoint } from './access.ts';

/** Some megabytes through a slow line. */
const requestTimeoutMs = 30_000;

/**
 * Writes an object of that name unless there is one: no attempt can write over another's, and whoever cannot tell whether an
 * attempt came through repeats it. False: it was there (412). Rejects with a GcsFailure.
 */
export function writeNewObject(
  access: GoogleAccess,
  { bucket, object, text }: { readonly bucket: string; readonly object: string; readonly text: string },
  signal: AbortSignal,
): Promise<boolean> {
  const about = `gs://${bucket}/${object}`;
  const path = `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const query = { uploadType: 'media', name: object, ifGenerationMatch: '0' };
  const request: GoogleRequest = {
    method: 'POST',
    ...{ publicEndpoint: gcsEndpoint, path, query, body: text, about },
    ...{ timeoutMs: requestTimeoutMs, signal },
  };
  return askGoogle(access, request, async (response) => {
    if (response.status === 200 || response.status === 412) {
      await response.body?.cancel();
      return response.status === 200;
    }
    const missing = `there is no bucket gs://${bucket}; create it: gcloud storage buckets create gs://${bucket}`;
    const allow = allowOn(bucket, 'roles/storage.objectCreator');
    throw await failureIn(response, { about, missing, missingCode: 'SOURCE_FAILED', allow });
  });
}
