import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TuttiError } from 'tutti/consensus';
import type { ErrorCode } from 'tutti/consensus';
import { problemOf } from './commands.ts';
import type { Answer } from './commands.ts';
import type { Execute } from './leader.ts';
import { BadRequest, commandOf } from './routes.ts';

/** Enough for a test with many clients; each costs a socket and some kilobytes. */
const maxConnections = 1_024;
/** From the first byte of a request to its last: a client that trickles must not hold a connection for ever. */
const requestTimeoutMs = 10_000;
/** Every command is answered within five seconds (leader.ts); whoever is still sending then is cut off. */
const closeTimeoutMs = 6_000;

export interface Front {
  readonly port: number;
  /** No new connections; resolves when the requests under way are answered. */
  close(): Promise<void>;
}

/** What a client is told: the body of the answer, whatever its status, is JSON. */
interface Reply {
  readonly status: number;
  readonly body: object;
}

/** Serves the store over HTTP on one member. `status` is what GET /status answers, from this member's own view. */
export async function openFront(
  address: { readonly host: string; readonly port: number },
  execute: Execute,
  status: () => object,
): Promise<Front> {
  const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs });
  server.maxConnections = maxConnections;
  server.on('request', (request, response) => {
    void replyTo(request, execute, status).then((reply) => send(server, request, response, reply));
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function replyTo(request: IncomingMessage, execute: Execute, status: () => object): Promise<Reply> {
  try {
    // Browsers name the page a request comes from. No page has business here, and this front knows no passwords.
    if (request.headers.origin !== undefined) throw new BadRequest(403, 'requests from web pages are refused');
    if (request.method === 'GET' && request.url === '/status') return { status: 200, body: status() };
    const command = await commandOf(request);
    const problem = problemOf(command);
    if (problem !== null) throw new BadRequest(400, problem);
    const answer = await execute(command);
    return { status: statusOf(answer), body: answer };
  } catch (thrown) {
    if (thrown instanceof BadRequest) {
      return { status: thrown.status, body: { code: 'BAD_REQUEST', message: thrown.message } };
    }
    const { code, message } = TuttiError.from(thrown);
    return { status: statusOfError(code), body: { code, message } };
  }
}

function statusOf(answer: Answer): number {
  if (answer.kind === 'value' && answer.value === null) return 404;
  if (answer.kind !== 'unchanged') return 200;
  switch (answer.because) {
    case 'mismatch':
      return 409;
    case 'present':
      return 200;
    case 'full':
      return 507;
  }
}

/** 503: nothing happened, try again. 504: nobody knows; look, or repeat it if it carries a request id. */
function statusOfError(code: ErrorCode): number {
  if (['NOT_LEADER', 'NO_LEADER', 'PEER_UNREACHABLE', 'PEER_LOST', 'TIMEOUT', 'BUSY', 'SHUTTING_DOWN'].includes(code))
    return 503;
  if (code === 'OUTCOME_UNKNOWN') return 504;
  return code === 'TOO_LARGE' ? 413 : 500;
}

function send(server: Server, request: IncomingMessage, response: ServerResponse, { status, body }: Reply): void {
  const text = JSON.stringify(body) + '\n';
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', Buffer.byteLength(text));
  // A body that was not read to its end leaves the connection useless; one of a closing server is not used again.
  if (!request.complete || !server.listening) response.setHeader('connection', 'close');
  response.writeHead(status).end(text);
}

function close(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
