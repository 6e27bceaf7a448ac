import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { Plan } from '../../plan/plan.ts';
import { httpLimits } from './limits.ts';
import type { Origin } from './origin.ts';

export interface Address {
  readonly address: string;
  readonly port: number;
}

/** Addresses of a host or why there are none. */
export type Lookup = (host: string, callback: (error: Error | null, addresses: readonly string[]) => void) => void;

/** getaddrinfo, as every other program on the machine resolves; in its order. */
export const systemLookup: Lookup = (host, callback) => {
  lookup(host, { all: true }, (error, found) =>
    callback(error, error === null ? found.map(({ address }) => address) : []),
  );
};

type Answer = { readonly error: Error; readonly untilMs: number } | { readonly addresses: readonly string[] };
type Waiter = (error: Error | null, addresses: readonly Address[]) => void;

/**
 * Names to addresses, each looked up once per generator and kept for the run (getaddrinfo tells no lifetime); a failure is
 * kept for a second. Queries for one name under way at the same time are one.
 */
export class Resolver {
  readonly #lookup: Lookup;
  readonly #override: Plan['resolve'];
  readonly #nowMs: () => number;
  readonly #known = new Map<string, Answer>();
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(lookup: Lookup, override: Plan['resolve'], nowMs: () => number) {
    this.#lookup = lookup;
    this.#override = override;
    this.#nowMs = nowMs;
  }

  /** Calls back at once when the answer is known. */
  resolve(origin: Origin, callback: Waiter): void {
    const { host, port } = origin;
    if (this.#override?.host === host) return callback(null, [this.#override]);
    if (isIP(host) !== 0) return callback(null, [{ address: host, port }]);
    const known = this.#known.get(host);
    if (known !== undefined && ('addresses' in known || known.untilMs > this.#nowMs()))
      return answer(callback, known, port);
    const waiting = this.#waiting.get(host);
    const waiter: Waiter = (error, addresses) =>
      callback(
        error,
        addresses.map(({ address }) => ({ address, port })),
      );
    if (waiting !== undefined) waiting.push(waiter);
    else this.#ask(host, waiter);
  }

  #ask(host: string, first: Waiter): void {
    const waiting = [first];
    this.#waiting.set(host, waiting);
    this.#lookup(host, (error, addresses) => {
      this.#waiting.delete(host);
      const failure = error ?? (addresses.length === 0 ? new Error(`${host} has no address`) : null);
      const known: Answer =
        failure === null ? { addresses } : { error: failure, untilMs: this.#nowMs() + httpLimits.lookupFailureMs };
      if (this.#known.size >= httpLimits.dynamicOrigins) this.#known.clear();
      this.#known.set(host, known);
      for (const waiter of waiting) answer(waiter, known, 0);
    });
  }
}

function answer(callback: Waiter, known: Answer, port: number): void {
  if ('error' in known) return callback(known.error, []);
  callback(
    null,
    known.addresses.map((address) => ({ address, port })),
  );
}
