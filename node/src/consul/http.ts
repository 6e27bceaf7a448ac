import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { TuttiError } from '../lib/errors.ts';

/** Consul's own bound on a value is half a MiB, which base64 makes a third larger; a list of services is smaller. */
const maxAnswerBytes = 4 * 1024 * 1024;
/** Of an answer that is an error: its first words say why. */
const maxReasonChars = 300;

/** Where Consul's HTTP API is, and how to prove oneself to it. */
export interface ConsulAddress {
  /** http or https, with a path where a proxy wants one. */
  readonly url: URL;
  readonly token: string | null;
  /** PEM; null: the system's authorities, no certificate of one's own. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** The name to expect in Consul's certificate, where it is not that of the URL. */
  readonly serverName: string | null;
  /** False: whoever answers is taken for Consul. */
  readonly verify: boolean;
}

export interface ConsulRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Below /v1, beginning with a slash, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Statuses besides 200 and 404 that are an answer to this question, and no failure. */
  readonly alsoTakes?: readonly number[];
}

export interface ConsulAnswer {
  /** 200, 404, or one of `alsoTakes`. */
  readonly status: number;
  /** X-Consul-Index; 0 where there is none, or none that makes sense. */
  readonly index: number;
  readonly text: string;
}

/**
 * One request, on a connection of its own: one that an agent has closed meanwhile would be a failure of nobody. Rejects with
 * CONSUL_FAILED where nobody answers in time, or with anything but 200, 404 (which is how Consul says that a key is missing) and
 * what the question takes as well.
 */
export async function askConsul(consul: ConsulAddress, asked: ConsulRequest): Promise<ConsulAnswer> {
  const inTime = AbortSignal.timeout(asked.timeoutMs);
  const signal = asked.signal === undefined ? inTime : AbortSignal.any([inTime, asked.signal]);
  let answer: { readonly response: IncomingMessage; readonly text: string };
  try {
    answer = await exchange(consul, asked, signal);
  } catch (thrown) {
    const why = inTime.aborted ? `no answer within ${(asked.timeoutMs / 1000).toFixed(1)} s` : reasonOf(thrown);
    throw new TuttiError('CONSUL_FAILED', `Consul at ${shown(consul.url)}: ${why}`, { cause: thrown });
  }
  const { response, text } = answer;
  const status = response.statusCode ?? 0;
  if (![200, 404, ...(asked.alsoTakes ?? [])].includes(status)) {
    const why = `it answered ${status}: ${text.trim().slice(0, maxReasonChars)}${status === 403 ? forbidden(consul) : ''}`;
    throw new TuttiError('CONSUL_FAILED', `Consul at ${shown(consul.url)}: ${why}`);
  }
  return { status, index: indexOf(response.headers['x-consul-index']), text };
}

function exchange(
  consul: ConsulAddress,
  { method, path, query = {}, body }: ConsulRequest,
  signal: AbortSignal,
): Promise<{ readonly response: IncomingMessage; readonly text: string }> {
  const { url, token, ca, cert, key, serverName, verify } = consul;
  const target = new URL(`${url.pathname.replace(/\/$/, '')}/v1${path}`, url);
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  const options: RequestOptions = {
    method,
    signal,
    agent: false,
    headers: { ...(token !== null && { 'x-consul-token': token }) },
    ...(url.protocol === 'https:' && {
      rejectUnauthorized: verify,
      ...(ca !== null && { ca }),
      ...(cert !== null && { cert }),
      ...(key !== null && { key }),
      ...(serverName !== null && { servername: serverName }),
    }),
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (url.protocol === 'https:' ? httpsRequest : httpRequest)(target, options);
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) request.destroy(new Error(`its answer has more than ${maxAnswerBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ response, text: Buffer.concat(chunks).toString('utf8') }));
    });
    request.end(body);
  });
}

/** Consul's indexes stay far below 2^53. */
function indexOf(header: string | readonly string[] | undefined): number {
  const index = Number(header ?? 0);
  return Number.isSafeInteger(index) && index > 0 ? index : 0;
}

function reasonOf(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  // An attempt at several addresses fails without a message of its own.
  return message === '' ? (code ?? String(thrown)) : message;
}

function forbidden({ token }: ConsulAddress): string {
  return token === null ? ' (no token was given: set CONSUL_HTTP_TOKEN)' : ' (what the token may do: docs/consul.md)';
}

/** Without what may be secret in it. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
}
