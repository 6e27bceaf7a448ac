import type net from 'node:net';
import tls from 'node:tls';
import { type Certified, uncertified } from '../certified.ts';
import { certifiedBy } from './certificate.ts';
import type { TlsIdentity, TlsSource } from './options.ts';
import { remoteHost, remoteOf } from './remote.ts';
import { mutualTls } from './tls.ts';
import { tlsRemedy } from './tls-remedy.ts';
import type { WireKind } from './wire.ts';

export interface TlsDoorHandlers {
  onConnection(socket: net.Socket, remote: string, kind: WireKind): void;
  onProblem(remote: string, reason: string): void;
  /** What the list says of who is there, to put behind a sentence; empty where it says nothing. */
  whoIs(remote: string): string;
}

/** Ends TLS on the connections of a port. Nobody passes whose certificate none of the authorities has signed. */
export class TlsDoor {
  readonly #source: TlsSource;
  readonly #kinds: readonly WireKind[];
  readonly #handlers: TlsDoorHandlers;
  readonly #server: tls.Server;
  #shown: TlsIdentity;
  readonly #inHandshake = new Set<string>();
  readonly #certified = new Map<string, Certified>();

  constructor(source: TlsSource, kinds: readonly WireKind[], handlers: TlsDoorHandlers) {
    this.#source = source;
    this.#kinds = kinds;
    this.#handlers = handlers;
    this.#shown = source();
    this.#server = this.#createServer();
  }

  accept(socket: net.Socket, remote: string): void {
    this.#renew();
    this.#inHandshake.add(remote);
    socket.once('close', () => {
      this.#certified.delete(remote);
      // A certificate that was not accepted is reported in the same turn, after the connection has closed.
      setImmediate(() => this.#inHandshake.delete(remote));
    });
    this.#server.emit('connection', socket);
  }

  /** Of an open connection. */
  certifiedAt(remote: string): Certified {
    return this.#certified.get(remote) ?? uncertified;
  }

  /** Connections that stand keep what they began with. */
  #renew(): void {
    const identity = this.#source();
    if (identity === this.#shown) return;
    this.#shown = identity;
    this.#server.setSecureContext(mutualTls(identity));
  }

  #createServer(): tls.Server {
    const ALPNProtocols = this.#kinds.map(({ alpnProtocol }) => alpnProtocol);
    const server = tls.createServer({ ...mutualTls(this.#shown), ALPNProtocols });
    server.on('secureConnection', (socket) => this.#secured(socket));
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    return server;
  }

  #secured(socket: tls.TLSSocket): void {
    socket.on('error', () => socket.destroy());
    const remote = remoteOf(socket);
    this.#inHandshake.delete(remote);
    const kind = this.#kinds.find(({ alpnProtocol }) => alpnProtocol === socket.alpnProtocol);
    const certificate = socket.getPeerX509Certificate();
    // Every dialler of ours names its protocol; what does not is no node.
    if (kind === undefined || certificate === undefined) {
      socket.destroy();
      return;
    }
    this.#certified.set(remote, certifiedBy(certificate));
    this.#handlers.onConnection(socket, remote, kind);
  }

  #failed(error: NodeJS.ErrnoException, socket: tls.TLSSocket): void {
    const remote = this.#failedRemote(socket);
    // The message names a thread, and so differs from one time to the next; the code says all. A certificate that was not
    // accepted shows as a reset, with the reason beside it.
    const { authorizationError } = socket as { authorizationError?: Error | string | null };
    const code = String(authorizationError ?? error.code ?? error.message);
    const what = `the TLS handshake with ${remoteHost(remote)} failed: ${code}${this.#handlers.whoIs(remote)}`;
    this.#handlers.onProblem(remote, what + tlsRemedy(code));
  }

  /** A socket that is destroyed has forgotten its address; if it is the only one under way, it is that one's. */
  #failedRemote(socket: net.Socket): string {
    const [only, ...others] = this.#inHandshake;
    const isKnown = socket.remoteAddress !== undefined || only === undefined || others.length > 0;
    const remote = isKnown ? remoteOf(socket) : only;
    this.#inHandshake.delete(remote);
    return remote;
  }
}
