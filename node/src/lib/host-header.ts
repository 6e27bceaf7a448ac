import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a request meant us, by its Host header: an address in numbers cannot be rebound by a foreign name server (DNS
 * rebinding); names must be among `ownNames`, in lower case.
 */
export function isOwnHost(hostHeader: string | undefined, ownNames: ReadonlySet<string>): boolean {
  const name = hostName(hostHeader ?? '');
  return isIP(name) !== 0 || ownNames.has(name);
}

/** This machine's, and those that were given: where it listens, how others list it, what else the operator names. */
export function ownHostNames(given: readonly string[]): ReadonlySet<string> {
  return new Set(['localhost', hostname(), ...given].map((name) => name.toLowerCase()));
}

/** Without the port and the brackets of an IPv6 address. */
export function hostName(hostHeader: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(hostHeader);
  return (bracketed?.[1] ?? hostHeader.replace(/:\d+$/, '')).toLowerCase();
}
