import type { Clock } from '../../lib/clock.ts';
import { formatAddress } from '../addresses.ts';
import type { Certified } from '../certified.ts';
import { reconnectDelayMs, REFUSED_DELAY_MS, STEADY_AFTER_MS } from '../backoff.ts';
import type { WireFrame } from '../frames.ts';
import { DiallerHandshake, type HandshakeSettings, type ProvenPeer } from '../handshake.ts';
import type { ListedPeer, PeerIdentity } from '../transport.ts';
import { HANDSHAKE_TIMEOUT_MS } from './listener.ts';
import { OutboundLink } from './outbound-link.ts';
import type { TlsSource } from './options.ts';
import { PeerStream } from './peer-stream.ts';
import { TlsDial } from './tls.ts';
import { tlsRemedy } from './tls-remedy.ts';
import type { EndCause, Wire } from './wire.ts';

export interface DiallerOptions {
  readonly wire: Wire;
  readonly peer: ListedPeer;
  readonly tls: TlsSource | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly handshake: () => HandshakeSettings;
}

export interface DiallerHandlers {
  /** A sentence to refuse with, or null. */
  judge(peer: PeerIdentity): string | null;
  onOpen(link: OutboundLink): void;
  onClosed(link: OutboundLink, reason: string): void;
  /** Somebody has to act; it is tried again, slowly. */
  onRefused(reason: string): void;
  /** Not reached; it is tried again, soon. `isAbsent`: the address refuses connections, no process listens there. */
  onFailed(reason: string, isAbsent: boolean): void;
}

/** Keeps one admitted stream open to one listed address. */
export class Dialler {
  readonly #options: DiallerOptions;
  readonly #handlers: DiallerHandlers;
  readonly address: string;
  #failures = 0;
  #isStopped = false;
  #cancelTimer: () => void = () => undefined;
  #stream: PeerStream | null = null;

  constructor(options: DiallerOptions, handlers: DiallerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.address = formatAddress(options.peer.host, options.peer.port);
  }

  start(): void {
    this.#dial();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#stream?.close();
  }

  #dial(): void {
    const { wire, clock, peer } = this.#options;
    const tls = this.#options.tls === null ? null : new TlsDial(this.#options.tls(), peer.host);
    const pipe = wire.dial({ host: peer.host, port: peer.port, tls, clock });
    const stream = new PeerStream(pipe, clock, { onFrame: () => undefined, onEnd: () => undefined });
    this.#stream = stream;
    const certified = (): Certified | null => tls?.certified ?? null;
    const handshake = new DiallerHandshake(this.#options.handshake(), this.address, peer.id, certified);
    const cancelDeadline = clock.at(clock.nowMs() + HANDSHAKE_TIMEOUT_MS, () => {
      stream.close();
      this.#failed(`${this.address} does not answer within ${HANDSHAKE_TIMEOUT_MS} ms`, false);
    });
    this.#cancelTimer = () => {
      cancelDeadline();
      stream.close();
    };
    stream.handlers = {
      onFrame: (frame) => this.#shake(stream, handshake, frame, cancelDeadline),
      onEnd: (reason, cause) => {
        cancelDeadline();
        const isUnheard = tls?.hasAccepted === true && !stream.hasHeard;
        this.#endedEarly(reason, cause, isUnheard);
      },
    };
    stream.send(handshake.hello);
  }

  /** `isUnheard`: we have accepted the peer's certificate, and it has not said a word. */
  #endedEarly(reason: string, cause: EndCause, isUnheard: boolean): void {
    const { id } = this.#options.peer;
    const what = `the TLS handshake with ${this.address} failed: ${reason}`;
    const who = id === null ? '' : `, of node "${id}" by our list`;
    if (cause === 'tls') this.#refused(`${what}${who}${tlsRemedy(reason)}`);
    else if (cause === 'version') this.#refused(`${this.address} ${reason}`);
    else if (cause === 'lost' && isUnheard) {
      // In TLS 1.3 a server judges the client's certificate after the client holds the connection for open, and a reset may
      // overtake its alert: this is all that a dialler learns of it.
      const remedy = 'its log says why; look whether our CLUSTER_TLS_CERT_FILE has expired, or is of another authority';
      this.#refused(`${what}, before a word: the peer may not accept our certificate${who}; ${remedy}`);
    } else this.#failed(reason, cause === 'absent');
  }

  #shake(stream: PeerStream, handshake: DiallerHandshake, frame: WireFrame, cancelDeadline: () => void): void {
    const step = handshake.receive(frame);
    if (step.kind === 'send') {
      stream.send(step.frame);
      return;
    }
    cancelDeadline();
    const refusal = step.kind === 'refused' ? step.reason : this.#handlers.judge(step.peer);
    if (refusal !== null) {
      const tell = step.kind !== 'refused' || step.tell;
      stream.close(tell ? { kind: 'refused', reason: refusal } : null);
      this.#refused(refusal);
    } else if (step.kind === 'proven') this.#opened(stream, step);
  }

  #opened(stream: PeerStream, proven: ProvenPeer): void {
    const { clock } = this.#options;
    const openedMs = clock.nowMs();
    this.#cancelTimer = () => undefined;
    const steady = (): void => {
      if (clock.nowMs() - openedMs >= STEADY_AFTER_MS) this.#failures = 0;
    };
    const link = new OutboundLink(stream, proven, clock, {
      onEnd: (reason) => {
        steady();
        this.#handlers.onClosed(link, reason);
        this.#redialSoon();
      },
      onRefused: (reason) => {
        this.#handlers.onClosed(link, `refused: ${reason}`);
        this.#refused(reason);
      },
      onClosedHere: (reason, refused) => {
        steady();
        this.#handlers.onClosed(link, reason);
        if (refused) this.#redialAfter(REFUSED_DELAY_MS);
        else this.#redialSoon();
      },
    });
    this.#handlers.onOpen(link);
  }

  #failed(reason: string, isAbsent: boolean): void {
    this.#handlers.onFailed(reason, isAbsent);
    this.#redialSoon();
  }

  #refused(reason: string): void {
    this.#handlers.onRefused(reason);
    this.#redialAfter(REFUSED_DELAY_MS);
  }

  #redialSoon(): void {
    const delayMs = reconnectDelayMs(this.#failures, this.#options.random);
    this.#failures += 1;
    this.#redialAfter(delayMs);
  }

  #redialAfter(delayMs: number): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.at(clock.nowMs() + delayMs, () => this.#dial());
  }
}
