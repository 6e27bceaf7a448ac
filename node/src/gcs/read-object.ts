import { GoogleFailure } from '../google/failure.ts';
import { askGoogle, failureIn, type GoogleAccess, readBytes } from '../google/request.ts';
import { allowOn, gcsEndpoint } from './access.ts';

/** Cloud Storage answers within a tenth of a second; past this the attempt is over, and another one is made. */
const requestTimeoutMs = 4_000;

/** An object, and how to reach it. */
export interface ObjectAddress extends GoogleAccess {
  readonly bucket: string;
  readonly object: string;
  /** An object that is larger is refused. */
  readonly maxBytes: number;
}

/** The content of one generation of an object. */
export interface StoredText {
  readonly generation: string;
  readonly text: string;
}

/**
 * One attempt to read the object: content and generation by one conditional request, so that both are of one moment
 * (cloud.google.com/storage/docs/json_api/v1/objects/get). Null: it still has the generation that is `known`. Rejects with a
 * GoogleFailure.
 */
export function readObject(
  address: ObjectAddress,
  known: string | null,
  signal: AbortSignal,
): Promise<StoredText | null> {
  const { bucket, object } = address;
  const path = `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}`;
  const query = { alt: 'media', ...(known !== null && { ifGenerationNotMatch: known }) };
  const about = `gs://${bucket}/${object}`;
  const request = {
    publicEndpoint: gcsEndpoint,
    method: 'GET',
    path,
    query,
    about,
    timeoutMs: requestTimeoutMs,
    signal,
  } as const;
  return askGoogle(address, request, (response) => take(address, known, response));
}

async function take(address: ObjectAddress, known: string | null, response: Response): Promise<StoredText | null> {
  const { bucket, object, maxBytes } = address;
  const about = `gs://${bucket}/${object}`;
  if (response.status === 304 && known !== null) return null;
  if (response.status !== 200) {
    const missing = `there is no ${about}; put a plan there: gcloud storage cp config.yaml ${about}`;
    const allow = allowOn(bucket, 'roles/storage.objectViewer');
    throw await failureIn(response, { about, missing, missingCode: 'SOURCE_FAILED', allow });
  }
  const generation = response.headers.get('x-goog-generation') ?? '';
  // An emulator may know no conditions.
  if (generation === known) {
    await response.body?.cancel();
    return null;
  }
  const bytes = await readBytes(response, maxBytes);
  if (!/^\d+$/.test(generation)) {
    throw new GoogleFailure('lasting', `${about}: the answer names no generation: is it Cloud Storage that answers?`);
  }
  if (bytes === null) throw unusable(`${about} has more than ${maxBytes} bytes: that is no plan`);
  try {
    return { generation, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    throw unusable(`${about} is no text in UTF-8`, error);
  }
}

function unusable(message: string, cause?: unknown): GoogleFailure {
  return new GoogleFailure('lasting', message, { code: 'SOURCE_FAILED', cause });
}
