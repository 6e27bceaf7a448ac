import { isIPv4, isIPv6 } from 'node:net';

/**
 * Whether only this machine can reach the address. A host name counts only as `localhost`: what another name resolves to can
 * change after the check.
 */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (isIPv4(name)) return name.startsWith('127.');
  // IPv4 addresses mapped into IPv6 (RFC 4291 section 2.5.5.2), in the one spelling people write.
  if (isIPv6(name)) return isLoopbackV6(name);
  return name === 'localhost';
}

function isLoopbackV6(name: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(name)?.[1];
  if (mapped !== undefined) return mapped.startsWith('127.');
  return new URL(`http://[${name}]/`).hostname === '[::1]';
}
