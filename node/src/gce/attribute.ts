import { TuttiError } from '../lib/errors.ts';

/** Google's own bound on a value is 256 KiB. */
const maxBytes = 256 * 1024;
const flavor = 'Google';

/** What an attribute of this machine had at some moment. */
export interface Attribute {
  /** Null: the machine has no such attribute. */
  readonly text: string | null;
  /** To wait for another value than this one; null where there is nothing to wait behind. */
  readonly etag: string | null;
}

export interface AttributeQuestion {
  readonly name: string;
  /** The answer comes once the value is another one, or after `seconds`; null: at once. */
  readonly wait: { readonly etag: string; readonly seconds: number } | null;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Reads an attribute of the machine from Compute Engine's metadata server at `host`
 * (cloud.google.com/compute/docs/metadata/querying-metadata). Rejects with METADATA_FAILED.
 */
export async function readAttribute(host: string, question: AttributeQuestion): Promise<Attribute> {
  const { name, wait, timeoutMs } = question;
  const inTime = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([inTime, question.signal]);
  const about = `the attribute ${name} of this machine, asked of ${host}`;
  const fail = (why: string, cause?: unknown): never => {
    throw new TuttiError('METADATA_FAILED', `${about}: ${why}`, { cause });
  };
  const url = new URL(`http://${host}/computeMetadata/v1/instance/attributes/${encodeURIComponent(name)}`);
  const waiting = { wait_for_change: 'true', last_etag: wait?.etag ?? '', timeout_sec: String(wait?.seconds ?? 0) };
  for (const [key, value] of Object.entries({ alt: 'text', ...(wait !== null && waiting) }))
    url.searchParams.set(key, value);
  let answer: { readonly response: Response; readonly text: string };
  try {
    const response = await fetch(url, { headers: { 'metadata-flavor': flavor }, signal, redirect: 'error' });
    answer = { response, text: await response.text() };
  } catch (thrown) {
    return fail(inTime.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(thrown), thrown);
  }
  const { response, text } = answer;
  // Whoever answers without it is some other server that has this address.
  if (response.headers.get('metadata-flavor') !== flavor) return fail('who answers is no metadata server');
  if (response.status === 404) return { text: null, etag: null };
  if (response.status !== 200) return fail(`it answered ${response.status}`);
  if (text.length > maxBytes) return fail(`it has more than ${maxBytes} bytes`);
  return { text, etag: response.headers.get('etag') };
}

/** Of fetch, only the cause says what happened. */
function reasonOf(thrown: unknown): string {
  const { cause, message } = thrown as Error;
  if (!(cause instanceof Error)) return message;
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}
