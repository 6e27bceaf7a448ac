import type { Clock } from '../../lib/clock.ts';
import type { WireFrame } from '../frames.ts';
import type { ProvenPeer } from '../handshake.ts';
import type { Link } from '../pairing.ts';
import type { PeerFrame, PeerIdentity } from '../transport.ts';
import { SILENT_AFTER_MS, watchLiveness } from './liveness.ts';
import type { PeerStream } from './peer-stream.ts';

export interface InboundHandlers {
  onFrame(link: InboundLink, frame: PeerFrame): void;
  /** Ended by the peer or the network. */
  onClosed(link: InboundLink, reason: string): void;
  onRefused(link: InboundLink, reason: string): void;
}

/** A stream a peer dialled, once admitted: brings its frames, and carries our pongs. */
export class InboundLink implements Link {
  readonly identity: PeerIdentity;
  readonly notice: string | null;
  /** Where the connection came from. */
  readonly remote: string;
  readonly #stream: PeerStream;
  readonly #clock: Clock;
  readonly #handlers: InboundHandlers;
  readonly #stopWatching: () => void;

  constructor(
    stream: PeerStream,
    { peer, notice }: ProvenPeer,
    remote: string,
    clock: Clock,
    handlers: InboundHandlers,
  ) {
    this.identity = peer;
    this.notice = notice;
    this.remote = remote;
    this.#stream = stream;
    this.#clock = clock;
    this.#handlers = handlers;
    const onSilent = (): void => this.#ended(`silent: nothing heard from the peer for ${SILENT_AFTER_MS} ms`);
    this.#stopWatching = watchLiveness(clock, stream, () => undefined, onSilent);
    stream.handlers = { onFrame: (frame) => this.#receive(frame), onEnd: (reason) => this.#ended(reason) };
  }

  close(): void {
    this.#stopWatching();
    this.#stream.close();
  }

  /** Ends the stream and tells the peer why. */
  refuse(reason: string): void {
    this.#stopWatching();
    this.#stream.close({ kind: 'refused', reason });
  }

  #receive(frame: WireFrame): void {
    switch (frame.kind) {
      case 'ping': {
        const receivedMs = this.#stream.lastHeardMs;
        const { sequence, sentMs } = frame;
        this.#stream.send({ kind: 'pong', sequence, sentMs, receivedMs, repliedMs: this.#clock.nowMs() });
        return;
      }
      case 'raft':
      case 'request':
      case 'response':
      case 'failure':
      case 'snapshotChunk':
      case 'snapshotAck':
        this.#handlers.onFrame(this, frame);
        return;
      case 'refused':
        this.close();
        this.#handlers.onRefused(this, frame.reason);
        return;
      case 'hello':
      case 'welcome':
      case 'proof':
      case 'admitted':
      case 'pong':
        this.#ended(`reset: the peer sent a ${frame.kind} frame out of order`);
    }
  }

  #ended(reason: string): void {
    this.#stopWatching();
    this.#stream.close();
    this.#handlers.onClosed(this, reason);
  }
}
