import net from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import { formatAddress } from '../addresses.ts';
import { type Certified, uncertified } from '../certified.ts';
import type { TlsSource } from './options.ts';
import { remoteHost, remoteOf } from './remote.ts';
import { TlsDoor } from './tls-door.ts';
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
  /** See TlsDoorHandlers. */
  whoIs(remote: string): string;
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
  readonly #tlsDoor: TlsDoor | null;
  readonly #sockets = new Map<string, net.Socket>();
  readonly #unproven = new Map<string, () => void>();

  /** `kinds`: those that are known, our own first. */
  constructor(clock: Clock, tls: TlsSource | null, kinds: readonly WireKind[], handlers: ListenerHandlers) {
    this.#clock = clock;
    this.#kinds = kinds;
    this.#handlers = handlers;
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#tlsDoor =
      tls === null
        ? null
        : new TlsDoor(tls, kinds, {
            onConnection: (socket, remote, kind) => handlers.onConnection(socket, remote, { kind, isSecure: true }),
            onProblem: (remote, reason) => handlers.onProblem(remote, reason),
            whoIs: (remote) => handlers.whoIs(remote),
          });
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

  /** What the certificate of an open connection with TLS says. */
  certifiedAt(remote: string): Certified {
    return this.#tlsDoor?.certifiedAt(remote) ?? uncertified;
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
    if (this.#tlsDoor === null) {
      this.#handlers.onProblem(
        remote,
        `a node from ${remoteHost(remote)} connected with TLS, but this node has no certificate${this.#handlers.whoIs(remote)}; set ` +
          'CLUSTER_TLS_CERT_FILE, CLUSTER_TLS_KEY_FILE and CLUSTER_TLS_CA_FILE here as well, or nowhere',
      );
      socket.end(TLS_REFUSAL, () => socket.destroy());
      return;
    }
    this.#tlsDoor.accept(socket, remote);
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
