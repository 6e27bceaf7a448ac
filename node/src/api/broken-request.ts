import { maxHeaderSize, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody } from './errors.ts';

/** What node:http refuses before there is a request, by its own code; everything else is 400. */
const refusals: Readonly<Record<string, readonly [status: number, code: string, message: string, retryable: boolean]>> =
  {
    HPE_HEADER_OVERFLOW: [431, 'HEADERS_TOO_LARGE', `the headers have more than ${maxHeaderSize} bytes`, false],
    HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'TOO_LARGE', 'the chunk extensions of the body are too large', false],
    ERR_HTTP_REQUEST_TIMEOUT: [408, 'REQUEST_TIMEOUT', 'the request did not arrive whole within the time for it', true],
  };

/** Listener of 'clientError': answers in the shape of all errors and ends the connection, whose place in the bytes is lost. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const [status, code, message, retryable] = refusals[error.code ?? ''] ?? [
    400,
    'BAD_REQUEST',
    `the request is not HTTP as it must be: ${error.message}`,
    false,
  ];
  const body = JSON.stringify(errorBody(code, message, retryable));
  const lines = Object.entries(headersOf(body)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
}

/** Listener of 'checkExpectation', which is heard for anything but 100-continue. */
export function answerUnknownExpectation({ headers }: IncomingMessage, response: ServerResponse): void {
  const message = `"Expect: ${headers.expect ?? ''}" is not known here; only 100-continue is`;
  const body = JSON.stringify(errorBody('EXPECTATION_FAILED', message, false));
  response.writeHead(417, headersOf(body)).end(body);
}

const headersOf = (body: string): Readonly<Record<string, string | number>> => ({
  'Content-Type': 'application/json; charset=utf-8',
  'Content-Length': Buffer.byteLength(body),
  Connection: 'close',
});
