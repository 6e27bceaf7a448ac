import type { Clock } from '../lib/clock.ts';
import { TuttiError, errorCodes } from '../lib/errors.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { NodeId } from '../raft/types.ts';
import type { PeerFrame, Transport } from '../transport/transport.ts';

/** Requests of this node without an answer yet. Agents and controllers have one or two per peer. */
export const maxOutstandingRequests = 1_024;

/** Half of what the transport carries in one message (16 MiB), so that framing never decides. */
export const maxRequestBytes = 8 * 1024 * 1024;

interface Outstanding {
  readonly to: NodeId;
  readonly method: string;
  readonly cancelTimer: () => void;
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: TuttiError) => void;
}

/** What this node asks others: matched by number and peer, each with a deadline, failed at once when the peer is lost. */
export class Requests {
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #outstanding = new Map<number, Outstanding>();
  #lastId = 0;
  #stopped = false;

  constructor(clock: Clock, transport: Transport) {
    this.#clock = clock;
    this.#transport = transport;
  }

  send(to: NodeId, method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(method, body);
      if (refusal !== null) {
        reject(refusal);
        return;
      }
      const requestId = ++this.#lastId;
      const cancelTimer = this.#clock.at(this.#clock.nowMs() + timeoutMs, () => {
        this.#take(requestId, to)?.reject(timedOut(to, method, timeoutMs));
      });
      // Entered before it is sent: a transport within one process may deliver the answer from within `send`.
      this.#outstanding.set(requestId, { to, method, cancelTimer, resolve, reject });
      if (this.#transport.send(to, { kind: 'request', requestId, method, body })) return;
      this.#take(requestId, to)?.reject(
        new TuttiError(
          'PEER_UNREACHABLE',
          `"${to}" cannot be asked for ${method}: not connected, or too much is queued`,
        ),
      );
    });
  }

  onAnswer(from: NodeId, frame: PeerFrame & { readonly kind: 'response' | 'failure' }): void {
    const outstanding = this.#take(frame.requestId, from);
    // Nobody waits any more: the deadline had passed.
    if (outstanding === null) return;
    if (frame.kind === 'response') outstanding.resolve(frame.body);
    else outstanding.reject(remoteError(from, outstanding.method, frame.code, frame.message));
  }

  peerLost(id: NodeId, reason: string): void {
    for (const [requestId, { to, method }] of this.#outstanding) {
      if (to !== id) continue;
      const message = `"${to}" was lost (${reason}) before it answered ${method}`;
      this.#take(requestId, to)?.reject(new TuttiError('PEER_LOST', message));
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const [requestId, { to }] of this.#outstanding) this.#take(requestId, to)?.reject(shuttingDown());
  }

  #refusal(method: string, body: Uint8Array): TuttiError | null {
    if (this.#stopped) return shuttingDown();
    if (body.byteLength > maxRequestBytes) {
      const message = `${method}: ${body.byteLength} bytes exceed the ${maxRequestBytes} of one request`;
      return new TuttiError('TOO_LARGE', message);
    }
    if (this.#outstanding.size >= maxOutstandingRequests) {
      return new TuttiError('BUSY', `${method}: ${maxOutstandingRequests} requests wait for their answers already`);
    }
    return null;
  }

  #take(requestId: number, peer: NodeId): Outstanding | null {
    const outstanding = this.#outstanding.get(requestId);
    if (outstanding?.to !== peer) return null;
    this.#outstanding.delete(requestId);
    outstanding.cancelTimer();
    return outstanding;
  }
}

export function timedOut(to: NodeId, method: string, timeoutMs: number): TuttiError {
  return new TuttiError('TIMEOUT', `"${to}" did not answer ${method} within ${timeoutMs} ms`);
}

export function shuttingDown(): TuttiError {
  return new TuttiError('SHUTTING_DOWN', 'this node is shutting down');
}

/** A code that is fatal for the peer, or that only a newer peer knows, must not be taken for this node's own state. */
function remoteError(from: NodeId, method: string, code: string, message: string): TuttiError {
  if (isErrorCode(code) && !errorCodes[code].fatal) return new TuttiError(code, message);
  return new TuttiError('PEER_FAILED', `"${from}" failed at ${method}: ${code}: ${message}`);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}
