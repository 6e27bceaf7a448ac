import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../../../node/src/lib/backoff.ts';
import { CloudFailure } from '../failure.ts';
import type { Api, Endpoints } from './endpoints.ts';

/** Google answers within seconds; the longest is a wait for an operation, which it ends itself after two minutes. */
const requestTimeoutMs = 150_000;
/** Of one question that changes nothing. */
const attempts = 4;
const pauses = { firstMs: 300, longestMs: 4_000 };
/** A result of the longest run has some megabytes. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Headers that prove who asks. */
export type Authorize = () => Promise<Headers>;

export interface Request {
  readonly api: Api;
  readonly method?: 'GET' | 'POST';
  /** From the endpoint on, encoded, without a leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** Sent as it is. */
  readonly content?: { readonly text: string; readonly type: string };
  /** Uploads to Cloud Storage have a place of their own. */
  readonly upload?: boolean;
}

/** An answer that is an error. */
export class GoogleFailure extends CloudFailure {
  readonly status: number;
  /** Google's word for it, such as SERVICE_DISABLED; empty: none. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface RestOptions {
  readonly endpoints: Endpoints;
  readonly authorize: Authorize;
  readonly signal: AbortSignal;
  /** The project that the questions are counted for; Google wants one named where a person asks. Null: none is named. */
  readonly quotaProject?: () => string | null;
}

/**
 * Google's APIs by their JSON, one for all of them (ADR 116). A question is bounded in time, and tried again where that may help and
 * it changes nothing. No token goes to an endpoint that is not encrypted.
 */
export class GoogleRest {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Rejects with a GoogleFailure, or a CloudFailure where nobody answers. */
  async json<Answer>(request: Request): Promise<Answer> {
    const { text } = await this.text(request);
    try {
      return (text === '' ? {} : JSON.parse(text)) as Answer;
    } catch (error) {
      throw new CloudFailure(`${request.api} answered ${request.path} with something that is no JSON`, 1, {
        cause: error,
      });
    }
  }

  async text(request: Request): Promise<{ readonly text: string; readonly headers: Headers }> {
    const isSafe = (request.method ?? 'GET') === 'GET';
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#once(request);
      } catch (thrown) {
        this.#options.signal.throwIfAborted();
        const mayPass = !(thrown instanceof GoogleFailure) || thrown.status === 429 || thrown.status >= 500;
        if (!isSafe || !mayPass || failures === attempts) throw thrown;
        await delay(backoffMs(failures, Math.random, pauses), undefined, { signal: this.#options.signal });
      }
    }
  }

  async #once(request: Request): Promise<{ readonly text: string; readonly headers: Headers }> {
    const { signal } = this.#options;
    const url = this.#urlOf(request);
    const headers = await this.#headersOf(request, url);
    const { body, content } = request;
    const sent = content?.text ?? (body === undefined ? null : JSON.stringify(body));
    if (sent !== null) headers.set('content-type', content?.type ?? 'application/json');
    try {
      const response = await fetch(url, {
        method: request.method ?? 'GET',
        headers,
        body: sent,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
      });
      const text = await boundedText(response);
      if (!response.ok) throw failureOf(request, response.status, text);
      return { text, headers: response.headers };
    } catch (thrown) {
      if (thrown instanceof CloudFailure) throw thrown;
      const { cause, message } = thrown as Error & { readonly cause?: NodeJS.ErrnoException };
      throw new CloudFailure(`${url.host} did not answer: ${cause?.code ?? cause?.message ?? message}`, 1, {
        cause: thrown,
      });
    }
  }

  #urlOf({ api, path, query = {}, upload = false }: Request): URL {
    const base = this.#options.endpoints[api];
    // A path such as "entries:list" would be taken for a scheme.
    const url = new URL(`./${path}`, upload ? new URL(`/upload${base.pathname}`, base) : base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  async #headersOf({ api }: Request, url: URL): Promise<Headers> {
    if (url.protocol === 'http:') return new Headers();
    const headers = new Headers(await this.#options.authorize());
    const project = api === 'compute' || api === 'storage' ? null : (this.#options.quotaProject?.() ?? null);
    if (project !== null) headers.set('x-goog-user-project', project);
    return headers;
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) throw new CloudFailure(`an answer has more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** google.rpc.Status, as its JSON APIs answer (cloud.google.com/apis/design/errors). */
interface ErrorAnswer {
  readonly error?: {
    readonly message?: string;
    readonly status?: string;
    readonly errors?: readonly { readonly reason?: string }[];
    readonly details?: readonly { readonly reason?: string }[];
  };
}

function failureOf({ api, path }: Request, status: number, text: string): GoogleFailure {
  let error: ErrorAnswer['error'];
  try {
    error = (JSON.parse(text) as ErrorAnswer).error;
  } catch {
    // No JSON: then its first words say why.
  }
  const reason = error?.details?.find((one) => one.reason !== undefined)?.reason ?? error?.errors?.[0]?.reason ?? '';
  const said = error?.message ?? text.slice(0, 300);
  const remedy =
    status === 401 ? '; log in: gcloud auth application-default login' : status === 403 ? '; scripts/cloud doctor' : '';
  return new GoogleFailure(status, reason, `${api} answered ${status} to ${path.split('?')[0]}: ${said}${remedy}`);
}
