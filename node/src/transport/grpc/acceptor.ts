import * as grpc from '@grpc/grpc-js';
import type { Clock } from '../../lib/clock.ts';
import type { NodeId } from '../../raft/types.ts';
import type { WireFrame } from '../frames.ts';
import { AcceptorHandshake, type HandshakeSettings } from '../handshake.ts';
import type { PeerIdentity } from '../transport.ts';
import { InboundLink, type InboundHandlers } from './inbound-link.ts';
import { Listener } from './listener.ts';
import type { TlsIdentity } from './options.ts';
import { FAREWELL_MS, PeerStream } from './peer-stream.ts';
import { remoteHost } from './remote.ts';
import { peerService, serverOptions } from './service.ts';

export interface AcceptorOptions {
  readonly tls: TlsIdentity | null;
  readonly clock: Clock;
  readonly handshake: () => HandshakeSettings;
  readonly expectedIdAt: (address: string) => NodeId | null;
}

export interface AcceptorHandlers extends InboundHandlers {
  /** A peer has proven who it is: a sentence to refuse it with, or null to admit it. */
  judge(peer: PeerIdentity, remote: string): Promise<string | null>;
  onOpen(link: InboundLink): void;
  /** `claimedId` is what the other side called itself, as far as it got. */
  onProblem(remote: string, reason: string, claimedId: NodeId | null): void;
}

/** Takes the streams that peers dial, through the handshake, to links. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #handlers: AcceptorHandlers;
  readonly #listener: Listener;
  readonly #servers: readonly grpc.Server[];

  constructor(options: AcceptorOptions, handlers: AcceptorHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    const admitting = serve((call) => this.#accept(call));
    const refusing = serve((call) => this.#refusePlaintext(call));
    this.#servers = [admitting.server, refusing.server];
    this.#listener = new Listener(options.clock, options.tls, {
      onConnection: (socket) => admitting.injector.injectConnection(socket),
      onPlaintext: (socket) => refusing.injector.injectConnection(socket),
      onProblem: (remote, reason) => handlers.onProblem(remote, reason, null),
    });
  }

  listen(host: string, port: number): Promise<void> {
    return this.#listener.listen(host, port);
  }

  async close(): Promise<void> {
    await this.#listener.close(FAREWELL_MS);
    for (const server of this.#servers) server.forceShutdown();
  }

  #accept(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    const remote = call.getPeer();
    const { clock, expectedIdAt } = this.#options;
    const handshake = new AcceptorHandshake(this.#options.handshake(), remoteHost(remote), expectedIdAt);
    let claimedId: NodeId | null = null;
    let isJudged = false;
    const stream = new PeerStream(call, clock, this.#listener.cutter(remote), {
      // A stranger that leaves before it has said who it is is nobody's problem.
      onEnd: () => undefined,
      onFrame: (frame) => {
        if (frame.kind === 'hello') claimedId = frame.identity.nodeId;
        // Nothing may come while we make up our mind: the dialler waits for our answer.
        if (isJudged) stream.close({ kind: 'refused', reason: 'a frame out of order in the handshake' });
        else isJudged = this.#shake(stream, handshake, frame, remote, claimedId);
      },
    });
  }

  /** True once the peer has proven who it is. */
  #shake(
    stream: PeerStream,
    handshake: AcceptorHandshake,
    frame: WireFrame,
    remote: string,
    claimedId: NodeId | null,
  ): boolean {
    const step = handshake.receive(frame);
    if (step.kind === 'send') stream.send(step.frame);
    else if (step.kind === 'refused') {
      stream.close(step.tell ? { kind: 'refused', reason: step.reason } : null);
      this.#handlers.onProblem(remote, step.reason, claimedId);
    } else if (step.frame !== null) {
      void this.#admit(stream, step.peer, step.frame, remote);
      return true;
    }
    return false;
  }

  async #admit(stream: PeerStream, peer: PeerIdentity, admitted: WireFrame, remote: string): Promise<void> {
    const reason = await this.#handlers.judge(peer, remote);
    if (!stream.isOpen) return;
    if (reason !== null) {
      stream.close({ kind: 'refused', reason });
      this.#handlers.onProblem(remote, reason, peer.nodeId);
      return;
    }
    this.#listener.proven(remote);
    stream.ends = { from: peer.nodeId, to: this.#options.handshake().self.nodeId };
    const link = new InboundLink(stream, peer, remote, this.#options.clock, this.#handlers);
    stream.send(admitted);
    this.#handlers.onOpen(link);
  }

  #refusePlaintext(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    const remote = call.getPeer();
    const { self, selfAddress } = this.#options.handshake();
    const reason = `node "${self.nodeId}" at ${selfAddress} demands TLS, but a node from ${remoteHost(remote)} connected without`;
    const handlers = { onFrame: () => undefined, onEnd: () => undefined };
    new PeerStream(call, this.#options.clock, this.#listener.cutter(remote), handlers).close({
      kind: 'refused',
      reason,
    });
    this.#handlers.onProblem(remote, reason, null);
  }
}

/**
 * A gRPC server without a port: the listener hands it connections, with TLS already ended where there is TLS, hence the
 * insecure credentials.
 */
function serve(accept: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => void): {
  readonly server: grpc.Server;
  readonly injector: grpc.ConnectionInjector;
} {
  const server = new grpc.Server(serverOptions);
  server.addService(peerService, { connect: accept });
  return { server, injector: server.createConnectionInjector(grpc.ServerCredentials.createInsecure()) };
}
