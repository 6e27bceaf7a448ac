import type { Credentials } from './credentials.ts';
import { type Asked, credentialsRemedy, failureOf, GoogleFailure } from './failure.ts';

/** Of an answer that is an error. */
const maxErrorBytes = 16 * 1024;

/** Where one of Google's JSON APIs is, and how to prove oneself to it. */
export interface GoogleAccess {
  /** Of an emulator or a private endpoint; null: Google's own. */
  readonly endpoint: URL | null;
  readonly credentials: Credentials;
}

export interface GoogleRequest {
  /** Google's own endpoint of that API. */
  readonly publicEndpoint: string;
  readonly method: 'GET' | 'POST';
  /** Encoded, from the root. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What it is about, for messages. */
  readonly about: string;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** One request; `take` reads the answer within the same time. Rejects with a GoogleFailure: passing where nobody answers. */
export async function askGoogle<Taken>(
  access: GoogleAccess,
  asked: GoogleRequest,
  take: (response: Response) => Promise<Taken>,
): Promise<Taken> {
  const { publicEndpoint, method, path, query, body, about, timeoutMs } = asked;
  const inTime = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([inTime, asked.signal]);
  const url = new URL(path, access.endpoint ?? publicEndpoint);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  try {
    const headers = new Headers(await inTimeOf(access.credentials(), signal));
    if (body !== undefined) headers.set('content-type', 'application/json');
    // A redirect is nothing that this API answers with; followed, it could carry the token elsewhere.
    const options: RequestInit = { method, headers, signal, redirect: 'error', cache: 'no-store' };
    return await take(await fetch(url, body === undefined ? options : { ...options, body }));
  } catch (thrown) {
    if (thrown instanceof GoogleFailure) throw thrown;
    const why = inTime.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(thrown);
    throw new GoogleFailure('passing', `${about} at ${url.host}: ${why}`, { cause: thrown });
  }
}

/** Of an answer that is none of those that were hoped for. */
export async function failureIn(response: Response, asked: Asked): Promise<GoogleFailure> {
  const body = await readBytes(response, maxErrorBytes);
  return failureOf(response.status, (body ?? Buffer.alloc(0)).toString('utf8'), asked);
}

/** Null: there is more. */
export async function readBytes(response: Response, maxBytes: number): Promise<Buffer | null> {
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
  const abort = (): void => aborted.reject(new GoogleFailure('passing', message));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([credentials, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

/** Of fetch, only the cause says what happened. */
function reasonOf(thrown: unknown): string {
  const { cause, message } = thrown as Error;
  if (!(cause instanceof Error)) return message;
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}
