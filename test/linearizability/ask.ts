import { request } from 'node:http';
import type { Answer } from '../../examples/key-value/commands.ts';

/** Where a node's HTTP is. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Request {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What became of one attempt: an answer; `refused`, it certainly did not happen (nobody took the connection, or the node said
 * so); `unknown`, it was sent and what became of it nobody said.
 */
export type Attempt =
  | { readonly outcome: 'ok'; readonly answer: Answer }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'unknown' };

const refused: Attempt = { outcome: 'refused' };
const unknown: Attempt = { outcome: 'unknown' };

/** One attempt at one node, on a connection of its own and never repeated. Rejects with what no node should ever answer. */
export async function attempt(node: Address, what: Request, timeoutMs: number): Promise<Attempt> {
  const reply = await send(node, what, timeoutMs);
  if (typeof reply === 'string') return reply === 'refused' ? refused : unknown;
  switch (reply.status) {
    case 200:
    case 404:
    case 409:
      return { outcome: 'ok', answer: JSON.parse(reply.text) as Answer };
    case 503:
      return refused;
    case 504:
      return unknown;
    default:
      throw new Error(`${what.method} ${what.path} was answered with ${reply.status} ${reply.text}`);
  }
}

/** What GET /status answers, or null within `timeoutMs`. */
export async function statusOf(node: Address, timeoutMs: number): Promise<Record<string, unknown> | null> {
  const reply = await send(node, { method: 'GET', path: '/status' }, timeoutMs);
  return typeof reply === 'string' ? null : (JSON.parse(reply.text) as Record<string, unknown>);
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

function send(node: Address, what: Request, timeoutMs: number): Promise<Reply | 'refused' | 'lost'> {
  return new Promise((resolve) => {
    let connected = false;
    const { method, path, body, headers } = what;
    const sent = request({ ...node, method, path, headers: { ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        if (response.complete) resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() });
      });
      // Cut in the middle of its answer: what it was going to say is as unknown as if it had said nothing.
      response.on('close', () => resolve('lost'));
    });
    const timer = setTimeout(() => sent.destroy(new Error('no answer in time')), timeoutMs);
    sent.on('socket', (socket) => {
      connected = !socket.connecting;
      socket.once('connect', () => (connected = true));
    });
    sent.on('error', () => resolve(connected ? 'lost' : 'refused'));
    sent.on('close', () => clearTimeout(timer));
    sent.end(body);
  });
}
