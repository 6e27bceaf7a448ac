import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import { formatAddress } from '../addresses.ts';
import type { TlsIdentity } from './options.ts';
import { remoteHost, remoteOf } from './remote.ts';
import { mutualTls } from './tls.ts';
import type { WireKind } from './wire.ts';

/** A stranger that connects and says nothing is cut off; a handshake over the slowest path takes a tenth of this. */
export const HANDSHAKE_TIMEOUT_MS = 3_000;

/** Connections that have not proven who they are, at a time. Members have one each, so this is room for a restart of all. */
export const MAX_UNPROVEN_CONNECTIONS = 64;

/** First byte of a TLS record that opens a handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16;
/** A fatal TLS alert "handshake_failure" (RFC 8446 section 6): what a dialler with TLS can read and report. */
const TLS_REFUSAL = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]);

/** The protocol of a connection, by its first byte or, under TLS, by what was negotiated (ALPN). */
export interface Spoken {
  readonly kind: WireKind;
  readonly isSecure: boolean;
}

export interface ListenerHandlers {
  /** A connection of a known kind. `remote` is as `net` prints it: address:port. */
  onConnection(socket: net.Socket, remote: string, spoken: Spoken): void;
  onProblem(remote: string, reason: string): void;
}

/**
 * The port of the cluster. It looks at the first byte of each connection, so that a peer with other TLS settings or another
 * transport is named on both sides instead of failing with a riddle, and garbage never reaches a parser.
 */
export class Listener {
  readonly #clock: Clock;
  readonly #kinds: readonly WireKind[];
  readonly #handlers: ListenerHandlers;
  readonly #server: net.Server;
  readonly #tlsServer: tls.Server | null;
  readonly #sockets = new Map<string, net.Socket>();
  readonly #inTlsHandshake = new Set<string>();
  readonly #unproven = new Map<string, () => void>();

  /** `kinds`: those that are known, our own first. */
  constructor(clock: Clock, tlsIdentity: TlsIdentity | null, kinds: readonly WireKind[], handlers: ListenerHandlers) {
    this.#clock = clock;
    this.#kinds = kinds;
    this.#handlers = handlers;
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#tlsServer = tlsIdentity === null ? null : this.#createTlsServer(tlsIdentity);
  }

  /** Rejects with ADDRESS_IN_USE, or SETTINGS_INVALID for an address that is not of this machine. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(listenError(formatAddress(host, port), error));
      });
      this.#server.listen({ host, port }, () => {
        // From here on an error is one of accept (no file descriptors left): the next connection is tried again.
        this.#server.removeAllListeners('error');
        this.#server.on('error', (error) => this.#handlers.onProblem(formatAddress(host, port), error.message));
        resolve();
      });
    });
  }

  /** The handshake on this connection is complete; it may stay. */
  proven(remote: string): void {
    this.#unproven.get(remote)?.();
    this.#unproven.delete(remote);
  }

  /** Ends this connection, and never another one that came later from the same port. */
  cutter(remote: string): () => void {
    const socket = this.#sockets.get(remote);
    return () => socket?.destroy();
  }

  /** Peers that were told goodbye close their connections themselves; the rest is cut after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    for (const remote of this.#unproven.keys()) this.cutter(remote)();
    if (!this.#server.listening) return;
    const cancel = this.#clock.at(this.#clock.nowMs() + graceMs, () => {
      for (const socket of this.#sockets.values()) socket.destroy();
    });
    await new Promise((resolve) => this.#server.close(resolve));
    cancel();
  }

  #accept(socket: net.Socket): void {
    const remote = remoteOf(socket);
    // A peer may reset its connection at any moment; what was lost is noticed by `close`.
    socket.on('error', () => socket.destroy());
    if (this.#unproven.size >= MAX_UNPROVEN_CONNECTIONS) this.#cutOldestUnproven();
    this.#sockets.set(remote, socket);
    const deadlineMs = this.#clock.nowMs() + HANDSHAKE_TIMEOUT_MS;
    this.#unproven.set(
      remote,
      this.#clock.at(deadlineMs, () => socket.destroy()),
    );
    socket.once('close', () => {
      this.proven(remote);
      this.#sockets.delete(remote);
      // A certificate that was not accepted is reported in the same turn, after the connection has closed.
      setImmediate(() => this.#inTlsHandshake.delete(remote));
    });
    socket.once('readable', () => this.#sniff(socket, remote));
  }

  /** Not the newest: a member proves itself in milliseconds, so whoever was longest without is a stranger that keeps it out. */
  #cutOldestUnproven(): void {
    const [oldest] = this.#unproven.keys();
    if (oldest === undefined) return;
    this.proven(oldest);
    this.cutter(oldest)();
  }

  #sniff(socket: net.Socket, remote: string): void {
    const first = socket.read() as Buffer | null;
    if (first === null) {
      socket.destroy();
      return;
    }
    socket.unshift(first);
    const kind = this.#kinds.find(({ firstByte }) => firstByte === first[0]);
    if (first[0] === TLS_HANDSHAKE) this.#acceptTls(socket, remote);
    else if (kind === undefined) socket.destroy();
    else this.#handlers.onConnection(socket, remote, { kind, isSecure: false });
  }

  #acceptTls(socket: net.Socket, remote: string): void {
    if (this.#tlsServer === null) {
      this.#handlers.onProblem(
        remote,
        `a node from ${remoteHost(remote)} connected with TLS, but this node has no certificate`,
      );
      socket.end(TLS_REFUSAL, () => socket.destroy());
      return;
    }
    this.#inTlsHandshake.add(remote);
    this.#tlsServer.emit('connection', socket);
  }

  /** A socket that is destroyed has forgotten its address; if it is the only one under way, it is that one's. */
  #failedTlsRemote(socket: net.Socket): string {
    const [only, ...others] = this.#inTlsHandshake;
    const isKnown = socket.remoteAddress !== undefined || only === undefined || others.length > 0;
    const remote = isKnown ? remoteOf(socket) : only;
    this.#inTlsHandshake.delete(remote);
    return remote;
  }

  #createTlsServer(identity: TlsIdentity): tls.Server {
    const ALPNProtocols = this.#kinds.map(({ alpnProtocol }) => alpnProtocol);
    const server = tls.createServer({ ...mutualTls(identity), ALPNProtocols });
    server.on('secureConnection', (socket) => {
      socket.on('error', () => socket.destroy());
      this.#inTlsHandshake.delete(remoteOf(socket));
      const kind = this.#kinds.find(({ alpnProtocol }) => alpnProtocol === socket.alpnProtocol);
      // Every dialler of ours names its protocol; what does not is no node.
      if (kind === undefined) socket.destroy();
      else this.#handlers.onConnection(socket, remoteOf(socket), { kind, isSecure: true });
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const remote = this.#failedTlsRemote(socket);
      // The message names a thread, and so differs from one time to the next; the code says all. A certificate that was not
      // accepted shows as a reset, with the reason beside it.
      const { authorizationError } = socket as { authorizationError?: Error | string | null };
      const code = String(authorizationError ?? error.code ?? error.message);
      this.#handlers.onProblem(remote, `the TLS handshake with ${remoteHost(remote)} failed: ${code}`);
    });
    return server;
  }
}

function listenError(address: string, error: NodeJS.ErrnoException): TuttiError {
  if (error.code !== 'EADDRINUSE') {
    const message = `CLUSTER_BIND_ADDR: cannot listen on ${address} (${error.code ?? error.message})`;
    return new TuttiError('SETTINGS_INVALID', message, { cause: error });
  }
  const message = `CLUSTER_BIND_ADDR: ${address} is in use by another process; stop it or choose another port`;
  return new TuttiError('ADDRESS_IN_USE', message, { cause: error });
}
