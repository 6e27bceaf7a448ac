import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { WireFrame } from '../frames.ts';
import { AcceptorHandshake, type HandshakeSettings, type OwnList, type ProvenPeer } from '../handshake.ts';
import type { PeerIdentity } from '../transport.ts';
import { InboundLink, type InboundHandlers } from './inbound-link.ts';
import { Listener, type Spoken } from './listener.ts';
import type { TlsSource } from './options.ts';
import type { Claimed } from './peer-problems.ts';
import { FAREWELL_MS, PeerStream } from './peer-stream.ts';
import { remoteHost } from './remote.ts';
import type { Pipe, Wire, WireKind, WireServer } from './wire.ts';

const nobody: Claimed = { id: null, address: null };

export interface AcceptorOptions {
  readonly wire: Wire;
  /** The other kinds, whose diallers are told that they are in the wrong place. */
  readonly foreign: readonly WireKind[];
  readonly tls: TlsSource | null;
  readonly clock: Clock;
  readonly handshake: () => HandshakeSettings;
  readonly list: OwnList;
}

export interface AcceptorHandlers extends InboundHandlers {
  /** A peer has proven who it is: a sentence to refuse it with, or null to admit it. */
  judge(peer: PeerIdentity, remote: string): Promise<string | null>;
  onOpen(link: InboundLink): void;
  onProblem(remote: string, reason: string, claimed: Claimed): void;
}

/** Takes the streams that peers dial, through the handshake, to links. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #handlers: AcceptorHandlers;
  readonly #listener: Listener;
  readonly #server: WireServer;

  constructor(options: AcceptorOptions, handlers: AcceptorHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    const { clock, tls, wire, foreign } = options;
    this.#listener = new Listener(clock, tls, [wire.kind, ...foreign], {
      onConnection: (socket, remote, spoken) => this.#connected(socket, remote, spoken),
      onProblem: (remote, reason) => handlers.onProblem(remote, reason, nobody),
      whoIs: (remote) => this.#whoIs(remote),
    });
    this.#server = wire.serve({
      clock,
      cutter: (remote) => this.#listener.cutter(remote),
      onPipe: (pipe, remote) => this.#accept(pipe, remote),
    });
  }

  listen(host: string, port: number): Promise<void> {
    return this.#listener.listen(host, port);
  }

  async close(): Promise<void> {
    await this.#listener.close(FAREWELL_MS);
    this.#server.close();
  }

  #connected(socket: Socket, remote: string, { kind, isSecure }: Spoken): void {
    const { clock, tls, wire } = this.#options;
    const lacksTls = tls !== null && !isSecure;
    if (kind === wire.kind && !lacksTls) {
      this.#server.accept(socket);
      return;
    }
    kind.refuse(socket, clock, (id) => {
      const reason = this.#strange(remote, kind);
      this.#handlers.onProblem(remote, reason, { id, address: null });
      return reason;
    });
  }

  /** Why a connection of this kind is refused before its handshake. */
  #strange(remote: string, kind: WireKind): string {
    const { self, selfAddress } = this.#options.handshake();
    const own = this.#options.wire.kind;
    const us = `node "${self.nodeId}" at ${selfAddress}`;
    const them = `a node from ${remoteHost(remote)} connected`;
    if (kind === own) return `${us} demands TLS, but ${them} without`;
    return `${us} speaks ${own.name} (CLUSTER_TRANSPORT=${own.setting}), but ${them} by ${kind.name} (CLUSTER_TRANSPORT=${kind.setting})`;
  }

  /** Who could not say its name, by the host it came from. */
  #whoIs(remote: string): string {
    const ids = this.#options.list.idsOn(remoteHost(remote));
    return ids.length === 0 ? '' : `, of node ${ids.map((id) => `"${id}"`).join(' or ')} by our list`;
  }

  #accept(pipe: Pipe, remote: string): void {
    const { clock, list, tls } = this.#options;
    const certified = tls === null ? null : this.#listener.certifiedAt(remote);
    const handshake = new AcceptorHandshake(this.#options.handshake(), remoteHost(remote), list, certified);
    let claimed = nobody;
    let isJudged = false;
    const stream = new PeerStream(pipe, clock, {
      // A stranger that leaves before it has said who it is is nobody's problem; one of another version is.
      onEnd: (reason, cause) => {
        if (cause === 'version')
          this.#handlers.onProblem(remote, `a node from ${remoteHost(remote)} ${reason}`, nobody);
      },
      onFrame: (frame) => {
        if (frame.kind === 'hello') claimed = { id: frame.identity.nodeId, address: frame.address };
        // Nothing may come while we make up our mind: the dialler waits for our answer.
        if (isJudged) stream.close({ kind: 'refused', reason: 'a frame out of order in the handshake' });
        else isJudged = this.#shake(stream, handshake, frame, remote, claimed);
      },
    });
  }

  /** True once the peer has proven who it is. */
  #shake(
    stream: PeerStream,
    handshake: AcceptorHandshake,
    frame: WireFrame,
    remote: string,
    claimed: Claimed,
  ): boolean {
    const step = handshake.receive(frame);
    if (step.kind === 'send') stream.send(step.frame);
    else if (step.kind === 'refused') {
      stream.close(step.tell ? { kind: 'refused', reason: step.reason } : null);
      this.#handlers.onProblem(remote, step.reason, claimed);
    } else if (step.frame !== null) {
      void this.#admit(stream, step, step.frame, remote, claimed);
      return true;
    }
    return false;
  }

  async #admit(
    stream: PeerStream,
    proven: ProvenPeer,
    admitted: WireFrame,
    remote: string,
    claimed: Claimed,
  ): Promise<void> {
    const { peer } = proven;
    const reason = await this.#handlers.judge(peer, remote);
    if (!stream.isOpen) return;
    if (reason !== null) {
      stream.close({ kind: 'refused', reason });
      this.#handlers.onProblem(remote, reason, claimed);
      return;
    }
    this.#listener.proven(remote);
    stream.trust({ from: peer.nodeId, to: this.#options.handshake().self.nodeId });
    const link = new InboundLink(stream, proven, remote, this.#options.clock, this.#handlers);
    stream.send(admitted);
    this.#handlers.onOpen(link);
  }
}
