import type { Credentials } from './credentials.ts';
import { credentialsRemedy, failureOf, GcsFailure } from './failure.ts';

const publicEndpoint = 'https://storage.googleapis.com';
/** Cloud Storage answers within a tenth of a second; past this the attempt is over, and another one is made. */
const requestTimeoutMs = 4_000;
/** Of an answer that is an error. */
const maxErrorBytes = 16 * 1024;

/** An object, and how to reach it. */
export interface ObjectAddress {
  readonly bucket: string;
  readonly object: string;
  /** GCS_API_ENDPOINT; null: Google's own. */
  readonly endpoint: URL | null;
  readonly credentials: Credentials;
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
 * GcsFailure.
 */
export async function readObject(
  address: ObjectAddress,
  known: string | null,
  signal: AbortSignal,
): Promise<StoredText | null> {
  const inTime = AbortSignal.timeout(requestTimeoutMs);
  const either = AbortSignal.any([inTime, signal]);
  try {
    return await ask(address, known, either);
  } catch (thrown) {
    if (thrown instanceof GcsFailure) throw thrown;
    const why = inTime.aborted ? `no answer within ${requestTimeoutMs / 1000} s` : reasonOf(thrown);
    const { host } = new URL(address.endpoint ?? publicEndpoint);
    throw new GcsFailure('passing', `gs://${address.bucket}/${address.object} from ${host}: ${why}`, {
      cause: thrown,
    });
  }
}

async function ask(address: ObjectAddress, known: string | null, signal: AbortSignal): Promise<StoredText | null> {
  const { bucket, object, maxBytes } = address;
  const headers = await inTimeOf(address.credentials(), signal);
  // A redirect is nothing that this API answers with; followed, it could carry the token elsewhere.
  const response = await fetch(urlOf(address, known), { headers, signal, redirect: 'error', cache: 'no-store' });
  if (response.status === 304 && known !== null) return null;
  if (response.status !== 200) {
    const body = await readBytes(response, maxErrorBytes);
    throw failureOf(response.status, (body ?? Buffer.alloc(0)).toString('utf8'), bucket, object);
  }
  const generation = response.headers.get('x-goog-generation') ?? '';
  // An emulator may know no conditions.
  if (generation === known) {
    await response.body?.cancel();
    return null;
  }
  const bytes = await readBytes(response, maxBytes);
  const where = `gs://${bucket}/${object}`;
  if (!/^\d+$/.test(generation)) {
    throw new GcsFailure('lasting', `${where}: the answer names no generation: is it Cloud Storage that answers?`);
  }
  if (bytes === null) throw unusable(`${where} has more than ${maxBytes} bytes: that is no plan`);
  try {
    return { generation, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    throw unusable(`${where} is no text in UTF-8`, error);
  }
}

function urlOf({ bucket, object, endpoint }: ObjectAddress, known: string | null): URL {
  const path = `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}`;
  const url = new URL(path, endpoint ?? publicEndpoint);
  url.searchParams.set('alt', 'media');
  if (known !== null) url.searchParams.set('ifGenerationNotMatch', known);
  return url;
}

/** Null: there is more. */
async function readBytes(response: Response, maxBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The library that finds credentials takes no signal; what it finds too late is for the next attempt. */
function inTimeOf(credentials: Promise<Headers>, signal: AbortSignal): Promise<Headers> {
  const aborted = Promise.withResolvers<never>();
  const message = `looking for Google credentials takes too long; ${credentialsRemedy}`;
  const abort = (): void => aborted.reject(new GcsFailure('passing', message));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([credentials, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

function unusable(message: string, cause?: unknown): GcsFailure {
  return new GcsFailure('lasting', message, { code: 'SOURCE_FAILED', cause });
}

/** Of fetch, only the cause says what happened. */
function reasonOf(thrown: unknown): string {
  const { cause, message } = thrown as Error;
  if (!(cause instanceof Error)) return message;
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}
