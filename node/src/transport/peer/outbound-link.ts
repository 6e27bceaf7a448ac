import type { Clock } from '../../lib/clock.ts';
import { ClockOffsetEstimator } from '../clock-offset.ts';
import type { WireFrame } from '../frames.ts';
import type { ProvenPeer } from '../handshake.ts';
import type { Link } from '../pairing.ts';
import type { PeerIdentity } from '../transport.ts';
import { SILENT_AFTER_MS, watchLiveness } from './liveness.ts';
import type { PeerStream } from './peer-stream.ts';

/** Exchanges made one after the other on a new stream, so that a clock offset is known before the first heartbeat. */
const FIRST_EXCHANGES = 4;

export interface OutboundHandlers {
  /** Ended by the peer or the network. */
  onEnd(reason: string): void;
  onRefused(reason: string): void;
  /** Ended by us. */
  onClosedHere(reason: string, refused: boolean): void;
}

/** The stream this node dialled, once admitted: carries our frames, and brings back pongs. */
export class OutboundLink implements Link {
  readonly identity: PeerIdentity;
  readonly notice: string | null;
  readonly clockOffset = new ClockOffsetEstimator();
  readonly #stream: PeerStream;
  readonly #clock: Clock;
  readonly #handlers: OutboundHandlers;
  readonly #stopWatching: () => void;
  /** By the sequence number of the ping whose pong they wait for. */
  readonly #pongWaiters = new Map<number, () => void>();
  #sequence = 0;
  #pongs = 0;

  constructor(stream: PeerStream, { peer, notice }: ProvenPeer, clock: Clock, handlers: OutboundHandlers) {
    this.identity = peer;
    this.notice = notice;
    this.#stream = stream;
    this.#clock = clock;
    this.#handlers = handlers;
    const ping = (): void => void this.#ping();
    const onSilent = (): void => this.#ended(`silent: nothing heard from the peer for ${SILENT_AFTER_MS} ms`);
    this.#stopWatching = watchLiveness(clock, stream, ping, onSilent);
    stream.handlers = { onFrame: (frame) => this.#receive(frame), onEnd: (reason) => this.#ended(reason) };
    this.#ping();
  }

  get lastHeardMs(): number {
    return this.#stream.lastHeardMs;
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  send(frame: WireFrame): boolean {
    return this.#stream.send(frame);
  }

  close(reason: string): void {
    this.#stop(null, reason, false);
  }

  /** Ends the stream and tells the peer why; it is dialled again only after a while. */
  refuse(reason: string): void {
    this.#stop({ kind: 'refused', reason }, `refused: ${reason}`, true);
  }

  /** Whether the peer answers a ping that is sent now within `withinMs`. */
  isAlive(withinMs: number): Promise<boolean> {
    if (!this.#ping()) return Promise.resolve(false);
    const sequence = this.#sequence;
    return new Promise((resolve) => {
      const finish = (alive: boolean): void => {
        cancel();
        this.#pongWaiters.delete(sequence);
        resolve(alive);
      };
      const cancel = this.#clock.at(this.#clock.nowMs() + withinMs, () => finish(false));
      this.#pongWaiters.set(sequence, () => finish(true));
    });
  }

  #stop(last: WireFrame | null, reason: string, refused: boolean): void {
    this.#stopWatching();
    if (!this.#stream.isOpen) return;
    this.#stream.close(last);
    this.#handlers.onClosedHere(reason, refused);
  }

  #ping(): boolean {
    this.#sequence += 1;
    return this.#stream.send({ kind: 'ping', sequence: this.#sequence, sentMs: this.#clock.nowMs() });
  }

  #receive(frame: WireFrame): void {
    if (frame.kind === 'refused') {
      this.#stopWatching();
      this.#stream.close();
      this.#handlers.onRefused(frame.reason);
    } else if (frame.kind === 'pong') {
      this.#pongs += 1;
      this.clockOffset.add(frame, this.#clock.nowMs());
      if (this.#pongs < FIRST_EXCHANGES) this.#ping();
      this.#pongWaiters.get(frame.sequence)?.();
    } else {
      this.#ended(`reset: the peer sent a ${frame.kind} frame on a stream that is not its own`);
    }
  }

  #ended(reason: string): void {
    this.#stopWatching();
    this.#stream.close();
    this.#handlers.onEnd(reason);
  }
}
