import type { ErrorCategory } from '../../results/measurements.ts';
import type { Linked } from './linked-list.ts';
import type { Origin } from './origin.ts';
import type { ResponseParser, ResponseWishes } from './parser.ts';

/** One request as it goes to the wire, head and body together. */
export interface PreparedRequest {
  readonly origin: Origin;
  readonly bytes: Buffer;
  readonly wishes: ResponseWishes;
  /** Sent twice it does what it does once (RFC 9110 9.2.2): only such a request may be sent again by the client itself. */
  readonly isIdempotent: boolean;
}

/** Told exactly once how an exchange ended, unless it was cancelled. The answer may be read during the call only. */
export interface ExchangeHandler {
  answered(exchange: Exchange, answer: ResponseParser, nowMs: number): void;
  failed(exchange: Exchange, category: ErrorCategory, nowMs: number): void;
}

/** A request and its answer under way. One object serves all requests of an iteration in turn: no allocation per request. */
export class Exchange implements Linked<Exchange> {
  readonly handler: ExchangeHandler;
  request: PreparedRequest | null = null;
  /** Monotonic instant at which the client took it up; opening a connection belongs to the service time. */
  sentAtMs = 0;
  deadlineMs = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** How often it was sent again because a kept-alive connection had died under it without a byte of an answer. */
  resent = 0;
  /** Distinguishes this request from the next one of the same object, for those who come back later (name lookups). */
  ticket = 0;
  /** What carries it; null while a name is being looked up. */
  carrier: { abandon(): void } | null = null;
  previous: Exchange | null = null;
  next: Exchange | null = null;

  constructor(handler: ExchangeHandler) {
    this.handler = handler;
  }
}
