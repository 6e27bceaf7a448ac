import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure, type SecureContext } from 'node:tls';
import type { ErrorCategory } from '../../results/measurements.ts';
import type { Exchange } from './exchange.ts';
import { httpLimits } from './limits.ts';
import type { Linked } from './linked-list.ts';
import type { Origin } from './origin.ts';
import { ResponseParser } from './parser.ts';
import type { Address } from './resolver.ts';

/** What a connection needs from its client. */
export interface ConnectionOwner {
  readonly secureContext: SecureContext | null;
  readonly skipTlsVerify: boolean;
  /** The answer is whole; the connection may be reused if `reusable`. The owner decides and tells the handler. */
  completed(connection: Connection, exchange: Exchange, reusable: boolean): void;
  /** The connection is gone and with it the exchange. `unanswered`: it was a reused one and no byte had come back. */
  broken(exchange: Exchange, category: ErrorCategory, unanswered: boolean): void;
  /** An idle connection was closed by the other side. */
  idleClosed(connection: Connection): void;
}

/**
 * One buffer for all reads of the process: the parser consumes what it gets before the callback returns, so nobody else can
 * see it overwritten (load-testing.md 3b: 5,000 connections with 88 MB in all).
 */
const readBuffer = Buffer.allocUnsafe(httpLimits.readBytes);

type Phase = 'connecting' | 'handshaking' | 'open' | 'closed';

/** One socket that carries one exchange at a time. */
export class Connection implements Linked<Connection> {
  readonly origin: Origin;
  readonly answer = new ResponseParser();
  idleSinceMs = 0;
  previous: Connection | null = null;
  next: Connection | null = null;
  readonly #owner: ConnectionOwner;
  readonly #addresses: readonly Address[];
  #attempts = 0;
  #phase: Phase = 'connecting';
  #exchange: Exchange | null;
  #exchanges = 0;
  #socket: Socket;

  /** Opens a connection for the exchange and carries it; tries the host's addresses in turn, the last good one first. */
  constructor(owner: ConnectionOwner, addresses: readonly Address[], exchange: Exchange) {
    this.#owner = owner;
    this.origin = exchange.request!.origin;
    this.#addresses = addresses;
    this.#exchange = exchange;
    exchange.carrier = this;
    this.#socket = this.#connect();
  }

  /** Carries the next exchange; the connection is idle. */
  carry(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.carrier = this;
    this.#send(exchange);
  }

  /** Closes it without telling anyone. */
  abandon(): void {
    this.#phase = 'closed';
    this.#exchange = null;
    this.#socket.destroy();
  }

  #connect(): Socket {
    const { origin } = this;
    const { address, port } = this.#addresses[(origin.goodAddress + this.#attempts) % this.#addresses.length]!;
    this.#attempts++;
    this.#phase = 'connecting';
    const onread = { buffer: readBuffer, callback: (length: number) => this.#received(length, socket) };
    // Nothing can be reached at port 0: it says that the address is the path of a local socket (warm-up.ts).
    const place = port === 0 ? { path: address } : { host: address, port };
    const plain = { ...place, noDelay: true, onread };
    const socket: Socket = origin.secure
      ? connectSecure({
          ...plain,
          servername: origin.serverName,
          rejectUnauthorized: !this.#owner.skipTlsVerify,
          ALPNProtocols: ['http/1.1'],
          ...(this.#owner.secureContext === null ? {} : { secureContext: this.#owner.secureContext }),
          ...(origin.session === null ? {} : { session: origin.session }),
        }).once('secureConnect', () => this.#opened(socket))
      : connectPlain(plain);
    socket.once('connect', () => (origin.secure ? this.#handshaking(socket) : this.#opened(socket)));
    if (origin.secure) socket.on('session', (session: Buffer) => (origin.session = session));
    // An error comes before its 'close', which does the work; without a listener it would end the process.
    let failure: Error | null = null;
    socket.on('error', (error) => (failure = error));
    socket.on('end', () => this.#ended(socket, null));
    socket.on('close', () => this.#ended(socket, failure));
    return socket;
  }

  #handshaking(socket: Socket): void {
    if (socket === this.#socket && this.#phase === 'connecting') this.#phase = 'handshaking';
  }

  #opened(socket: Socket): void {
    if (socket !== this.#socket || this.#phase === 'closed' || this.#exchange === null) return;
    this.#phase = 'open';
    const { origin } = this;
    origin.goodAddress = (origin.goodAddress + this.#attempts - 1) % this.#addresses.length;
    this.#send(this.#exchange);
  }

  #send(exchange: Exchange): void {
    const { bytes, wishes } = exchange.request!;
    this.#exchanges++;
    this.answer.begin(wishes);
    exchange.bytesReceived = 0;
    exchange.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  #received(length: number, socket: Socket): boolean {
    const exchange = this.#exchange;
    if (socket !== this.#socket || this.#phase === 'closed') return true;
    // Bytes that nobody asked for: whatever they are, the next answer cannot be trusted.
    if (exchange === null) {
      this.#closeIdle();
      return true;
    }
    exchange.bytesReceived += length;
    const stopped = this.answer.push(readBuffer, 0, length);
    if (stopped === -1) this.#fail('protocol_error');
    else if (this.answer.isDone) this.#complete(exchange, stopped === length && this.#socket.writableLength === 0);
    return true;
  }

  #complete(exchange: Exchange, clean: boolean): void {
    this.#exchange = null;
    exchange.carrier = null;
    this.#owner.completed(this, exchange, clean && this.answer.framing.persistent);
  }

  /** The socket's end ('end', error null) or its death ('close'). */
  #ended(socket: Socket, failure: Error | null): void {
    if (socket !== this.#socket || this.#phase === 'closed') return;
    const exchange = this.#exchange;
    if (exchange === null) return this.#closeIdle();
    if (this.#phase === 'open') {
      if (failure === null && this.answer.finish()) return this.#complete(exchange, false);
      return this.#fail(isTlsFailure(failure) ? 'tls_error' : 'reset_error');
    }
    if (this.#phase === 'connecting' && this.#attempts < this.#addresses.length) {
      socket.destroy();
      this.#socket = this.#connect();
      return;
    }
    this.#fail(this.#phase === 'handshaking' ? 'tls_error' : connectFailure(failure));
  }

  #fail(category: ErrorCategory): void {
    const exchange = this.#exchange!;
    const unanswered = this.#phase === 'open' && this.#exchanges > 1 && exchange.bytesReceived === 0;
    this.abandon();
    exchange.carrier = null;
    this.#owner.broken(exchange, category, unanswered);
  }

  #closeIdle(): void {
    this.abandon();
    this.#owner.idleClosed(this);
  }
}

/** What this machine lacks is no fault of the target: file descriptors, local ports, memory for sockets. */
const ownLimits = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);

export function connectFailure(failure: Error | null): ErrorCategory {
  const code = failure !== null && 'code' in failure ? String(failure.code) : '';
  return ownLimits.has(code) ? 'local_error' : 'connect_error';
}

/** TLS 1.3 lets a server refuse after the client has finished its handshake (RFC 8446 4.4.2.4). */
function isTlsFailure(failure: Error | null): boolean {
  const code = failure !== null && 'code' in failure ? String(failure.code) : '';
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');
}
