import type { IncomingMessage } from 'node:http';
import { maxValueBytes } from './commands.ts';
import type { Command } from './commands.ts';

/** A compare-and-set carries two values, and JSON may write one byte as six (\u0000). */
const maxBodyBytes = 2 * 6 * maxValueBytes + 1024;

/** The client's mistake, and the HTTP status that says which. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * From a request to the command it stands for:
 *
 *   GET  /keys/K                    PUT  /keys/K     (body: the value)
 *   POST /keys/K/compare-and-set    (body: {"expected": "text" or null, "value": "text"})
 *   GET  /sets/S                    PUT  /sets/S/M
 *
 * A write may carry the header Request-Id: the same id again is the same write.
 */
export async function commandOf(request: IncomingMessage): Promise<Command> {
  const [, collection, name, last, ...more] = pathOf(request);
  const known = (collection === 'keys' || collection === 'sets') && name !== undefined && more.length === 0;
  if (!known) throw notFound(request);
  const requestId = headerOf(request, 'request-id');
  const route = `${request.method ?? ''} ${collection}`;
  if (route === 'GET keys' && last === undefined) return { op: 'get', key: name };
  if (route === 'GET sets' && last === undefined) return { op: 'members', set: name };
  if (route === 'PUT sets' && last !== undefined) return { op: 'addToSet', set: name, member: last, requestId };
  if (route === 'PUT keys' && last === undefined) {
    return { op: 'set', key: name, value: await textOf(request), requestId };
  }
  if (route === 'POST keys' && last === 'compare-and-set') {
    return { op: 'compareAndSet', key: name, ...(await expectationOf(request)), requestId };
  }
  throw notFound(request);
}

function pathOf(request: IncomingMessage): string[] {
  // Else it would become a part of the name.
  if (request.url?.includes('?') === true)
    throw new BadRequest(400, 'there are no query parameters; encode "?" as %3F');
  try {
    return (request.url ?? '').split('/').map(decodeURIComponent);
  } catch {
    throw new BadRequest(400, `the path ${request.url ?? ''} is not percent-encoded UTF-8`);
  }
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}

async function expectationOf(request: IncomingMessage): Promise<{ expected: string | null; value: string }> {
  const { expected, value } = (parsed(await textOf(request)) ?? {}) as { expected?: unknown; value?: unknown };
  if ((expected === null || typeof expected === 'string') && typeof value === 'string') return { expected, value };
  throw new BadRequest(400, 'the body is {"expected": "text" or null, "value": "text"}');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadRequest(400, `the body is not JSON: ${(error as Error).message}`);
  }
}

/** Text only: other bytes would come back as other bytes. */
async function textOf(request: IncomingMessage): Promise<string> {
  const bytes = await bytesOf(request);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BadRequest(400, 'the body is not UTF-8');
  }
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // The request is not destroyed when reading ends early: it still has to be answered.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw new BadRequest(413, `the body has more than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function notFound(request: IncomingMessage): BadRequest {
  return new BadRequest(404, `there is nothing at ${request.method ?? ''} ${request.url ?? ''}`);
}
