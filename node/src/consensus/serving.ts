import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { NodeId } from '../raft/types.ts';
import type { PeerFrame, PeerIdentity, Transport } from '../transport/transport.ts';
import type { RequestHandler } from './consensus.ts';
import { maxRequestBytes } from './requests.ts';

/** Requests of others being answered at the same time; each peer has at most `maxOutstandingRequests` of its own. */
export const maxServedRequests = 4_096;

export interface ServingOptions {
  readonly transport: Transport;
  readonly log: Log;
  /** The session of the process that is connected under this id now; null when none is. */
  readonly sessionOf: (id: NodeId) => string | null;
}

/** What others ask this node. A handler's error goes back by code and message. */
export class Serving {
  readonly #options: ServingOptions;
  readonly #handlers = new Map<string, RequestHandler>();
  #served = 0;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  handle(method: string, handler: RequestHandler): void {
    if (this.#handlers.has(method)) throw new Error(`${method} has a handler already`);
    this.#handlers.set(method, handler);
  }

  /** Answers without the network: what a member asks itself, and the work behind `onRequest`. */
  async call(method: string, body: Uint8Array, from: NodeId): Promise<Uint8Array> {
    const handler = this.#handlers.get(method);
    if (handler === undefined) throw new TuttiError('INTERNAL', `no handler for "${method}" on this node`);
    const answer = await handler(body, from);
    if (answer.byteLength <= maxRequestBytes) return answer;
    throw new TuttiError('TOO_LARGE', `${method}: an answer of ${answer.byteLength} bytes exceeds ${maxRequestBytes}`);
  }

  onRequest(from: PeerIdentity, frame: PeerFrame & { readonly kind: 'request' }): void {
    const { requestId, method } = frame;
    if (this.#served >= maxServedRequests) {
      this.#answer(from, {
        kind: 'failure',
        requestId,
        code: 'BUSY',
        message: `${maxServedRequests} requests are being answered already`,
      });
      return;
    }
    this.#served++;
    void this.call(method, frame.body, from.nodeId)
      .then<PeerFrame, PeerFrame>(
        (body) => ({ kind: 'response', requestId, body }),
        (thrown: unknown) => this.#failure(requestId, method, thrown),
      )
      .then((answer) => {
        this.#served--;
        this.#answer(from, answer);
      });
  }

  #failure(requestId: number, method: string, thrown: unknown): PeerFrame {
    const { code, message } = TuttiError.from(thrown);
    if (code === 'INTERNAL') this.#options.log.error({ method, error: thrown }, 'a request handler failed');
    return { kind: 'failure', requestId, code, message };
  }

  // Request numbers start anew with each process: an answer to an earlier one must not reach its successor's request.
  #answer(to: PeerIdentity, answer: PeerFrame): void {
    if (this.#options.sessionOf(to.nodeId) !== to.session) return;
    this.#options.transport.send(to.nodeId, answer);
  }
}
