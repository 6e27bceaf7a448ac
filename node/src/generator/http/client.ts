import { createSecureContext, type SecureContext } from 'node:tls';
import type { Plan } from '../../plan/plan.ts';
import type { ErrorCategory } from '../../results/measurements.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { Exchange, PreparedRequest } from './exchange.ts';
import { IdlePool } from './idle-pool.ts';
import { httpLimits } from './limits.ts';
import { LinkedList } from './linked-list.ts';
import { Origin } from './origin.ts';
import { Resolver, systemLookup, type Lookup } from './resolver.ts';

export type HttpSettings = Pick<Plan, 'timeoutMs' | 'skipTlsVerify' | 'resolve' | 'pool'>;

/**
 * HTTP/1.1 over keep-alive connections of its own (load-testing.md 3b). It follows no redirect and keeps no cookies: a load
 * test measures the requests its plan names (docs: differences to the Rust tool). The caller drives timeouts by `expire`.
 */
export class HttpClient implements ConnectionOwner {
  readonly skipTlsVerify: boolean;
  /** Connections opened. */
  connectionsOpened = 0;
  readonly #settings: HttpSettings;
  readonly #nowMs: () => number;
  readonly #resolver: Resolver;
  readonly #idle: IdlePool;
  readonly #origins = new Map<string, Origin>();
  readonly #dynamicOrigins = new Map<string, Origin>();
  /** In the order of their deadlines, because all have the same timeout: no timer per request, no wheel. */
  readonly #underWay = new LinkedList<Exchange>();
  #secureContext: SecureContext | null = null;
  #isClosed = false;

  constructor(settings: HttpSettings, nowMs: () => number, lookup: Lookup = systemLookup) {
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.skipTlsVerify = settings.skipTlsVerify;
    this.#idle = new IdlePool(settings.pool);
    this.#resolver = new Resolver(lookup, settings.resolve, nowMs);
  }

  get secureContext(): SecureContext {
    return (this.#secureContext ??= createSecureContext());
  }

  get inFlight(): number {
    return this.#underWay.length;
  }

  /** The origin of a URL, one object for each. `dynamic`: a variable named it, so there may be any number of them. */
  origin(url: URL, dynamic = false): Origin {
    const known = this.#origins.get(url.origin) ?? this.#dynamicOrigins.get(url.origin);
    if (known !== undefined) return known;
    const origin = new Origin(url);
    if (dynamic && this.#dynamicOrigins.size >= httpLimits.dynamicOrigins) this.#forgetOldest();
    (dynamic ? this.#dynamicOrigins : this.#origins).set(url.origin, origin);
    return origin;
  }

  /** Looks up the names of all known origins, and loads what TLS needs; rejects with the first failure. */
  async prepare(): Promise<void> {
    const isSecure = [...this.#origins.values()].some(({ secure }) => secure);
    if (isSecure) this.#secureContext ??= createSecureContext();
    await Promise.all(
      [...this.#origins.values()].map(
        (origin) =>
          new Promise<void>((resolve, reject) => {
            this.#resolver.resolve(origin, (error) => (error === null ? resolve() : reject(error)));
          }),
      ),
    );
  }

  /** Takes up the request of the exchange; its handler hears the end exactly once. `nowMs`: now, as the caller read it. */
  send(exchange: Exchange, request: PreparedRequest, nowMs: number): void {
    exchange.request = request;
    exchange.sentAtMs = nowMs;
    exchange.deadlineMs = nowMs + this.#settings.timeoutMs;
    exchange.bytesSent = 0;
    exchange.bytesReceived = 0;
    exchange.resent = 0;
    exchange.ticket++;
    this.#underWay.append(exchange);
    const connection = this.#idle.take(request.origin, nowMs);
    if (connection === null) this.#open(exchange);
    else connection.carry(exchange);
  }

  /** Gives up the exchange; its handler hears nothing. */
  cancel(exchange: Exchange): void {
    this.#underWay.remove(exchange);
    exchange.ticket++;
    exchange.carrier?.abandon();
    exchange.carrier = null;
  }

  /** The next instant at which `expire` has something to do; Infinity when nothing is under way. */
  get nextDeadlineMs(): number {
    return this.#underWay.first?.deadlineMs ?? Infinity;
  }

  /** Fails what is past its deadline and closes connections that idled too long. */
  expire(nowMs: number): void {
    for (let exchange = this.#underWay.first; exchange !== null; exchange = this.#underWay.first) {
      if (exchange.deadlineMs > nowMs) break;
      this.cancel(exchange);
      exchange.handler.failed(exchange, 'timeout_error', nowMs);
    }
    this.#idle.expire(nowMs);
  }

  /** Drops all connections; what is under way hears nothing. */
  close(): void {
    this.#isClosed = true;
    for (let exchange = this.#underWay.first; exchange !== null; exchange = this.#underWay.first) this.cancel(exchange);
    this.#idle.close();
  }

  completed(connection: Connection, exchange: Exchange, reusable: boolean): void {
    const nowMs = this.#nowMs();
    this.#underWay.remove(exchange);
    const isKept = reusable && !this.#isClosed && this.#idle.keep(connection, nowMs);
    if (!isKept) connection.abandon();
    exchange.handler.answered(exchange, connection.answer, nowMs);
  }

  broken(exchange: Exchange, category: ErrorCategory, unanswered: boolean): void {
    // The server closed an idle connection at the moment we used it. It may have got the request all the same, so only what
    // may be repeated is (RFC 9110 9.2.2): a target must not see an order twice that was placed once.
    if (unanswered && category === 'reset_error' && exchange.request!.isIdempotent) {
      exchange.resent++;
      this.#open(exchange);
      return;
    }
    this.#underWay.remove(exchange);
    exchange.handler.failed(exchange, category, this.#nowMs());
  }

  idleClosed(connection: Connection): void {
    this.#idle.remove(connection);
  }

  #open(exchange: Exchange): void {
    const { ticket } = exchange;
    this.#resolver.resolve(exchange.request!.origin, (error, addresses) => {
      if (exchange.ticket !== ticket) return;
      if (error !== null) {
        this.#underWay.remove(exchange);
        exchange.handler.failed(exchange, 'dns_error', this.#nowMs());
        return;
      }
      this.connectionsOpened++;
      new Connection(this, addresses, exchange);
    });
  }

  #forgetOldest(): void {
    for (const [key, origin] of this.#dynamicOrigins) {
      this.#dynamicOrigins.delete(key);
      this.#idle.forget(origin);
      break;
    }
  }
}
