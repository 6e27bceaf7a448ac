import { isIP, isIPv4, isIPv6 } from 'node:net';
import { TuttiError } from '../lib/errors.ts';
import type { ListedPeer } from './transport.ts';

export const DEFAULT_CLUSTER_PORT = 7000;

/** No part of a host or port, and a letter like any other to a shell. */
const learnerMark = '/learner';
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;
// RFC 1123 section 2.1, with the underscore that container networks put into names.
const hostPattern = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?$/;

/**
 * Reads `CLUSTER_NODES`: "[id=]host[:port][/learner],...", IPv6 addresses in brackets, port 7000 where none is given. Fails with
 * SETTINGS_INVALID, naming every bad element and its position, and `setting` as where the text came from.
 */
export function parseClusterNodes(text: string, setting = 'CLUSTER_NODES'): readonly ListedPeer[] {
  const problems: string[] = [];
  const peers: ListedPeer[] = [];
  const seen = new Map<string, number>();
  for (const [index, element] of text.split(',').entries()) {
    const parsed = parseElement(element.trim());
    const where = `element ${index + 1} ("${element.trim()}")`;
    if (typeof parsed === 'string') {
      problems.push(`${where}: ${parsed}`);
      continue;
    }
    for (const name of [addressKey(parsed.host, parsed.port), ...(parsed.id === null ? [] : [`id "${parsed.id}"`])]) {
      const first = seen.get(name);
      if (first === undefined) seen.set(name, index);
      else problems.push(`${where}: ${name} is element ${first + 1} already`);
    }
    peers.push(parsed);
  }
  if (problems.length > 0) throw new TuttiError('SETTINGS_INVALID', `${setting}: ${problems.join('; ')}`);
  return peers;
}

/** Reads "host", "host:port" or "[ipv6]:port"; a string says what is wrong. */
export function parseAddress(text: string, defaultPort: number): { host: string; port: number } | string {
  if (isIPv6(text)) return `an IPv6 address stands in brackets: [${text}]:${defaultPort}`;
  const [, bare, barePort] = /^(.*):(\d+)$/.exec(text) ?? [];
  if (bare !== undefined && isIPv6(bare)) return `an IPv6 address stands in brackets: [${bare}]:${barePort}`;
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text);
  if (match === null) return 'is not host, host:port or [ipv6]:port';
  const [, v6, name, portText] = match;
  const port = portText === undefined ? defaultPort : parsePort(portText);
  if (port === null) return `"${portText ?? ''}" is not a port (1 to 65535)`;
  if (v6 !== undefined) return isIPv6(v6) ? { host: v6, port } : `"${v6}" is not an IPv6 address`;
  if (name === undefined || name === '') return 'has no host';
  if (/^[\d.]+$/.test(name) && !isIPv4(name)) return `"${name}" is not an IPv4 address`;
  return hostPattern.test(name) ? { host: name, port } : `"${name}" is not a host name`;
}

/** "host:port" for people and for the network; IPv6 in brackets. */
export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** One spelling for each address, so that texts can be compared: "[0:0::1]" and "::1" are the same place. */
export function canonicalHost(host: string): string {
  const name = host
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
    .replace(/\.$/, '');
  if (!isIPv6(name)) return name;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(name)?.[1];
  if (mapped !== undefined) return mapped;
  const zoneless = name.replace(/%.*$/, '');
  return new URL(`http://[${zoneless}]/`).hostname.slice(1, -1);
}

/** `formatAddress` in the canonical spelling. */
export function addressKey(host: string, port: number): string {
  return formatAddress(canonicalHost(host), port);
}

/**
 * Whether two texts "host:port" surely lead to different places: another port, or two different IP addresses. A host name may
 * be another name of anything, so the host of two that both, or one of them, go by name is not judged; nor is what is no address.
 */
export function areOtherPlaces(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one, DEFAULT_CLUSTER_PORT), parseAddress(other, DEFAULT_CLUSTER_PORT)];
  if (typeof a === 'string' || typeof b === 'string') return false;
  if (a.port !== b.port) return true;
  const [hostA, hostB] = [canonicalHost(a.host), canonicalHost(b.host)];
  return isIP(hostA) !== 0 && isIP(hostB) !== 0 && hostA !== hostB;
}

function parseElement(element: string): ListedPeer | string {
  if (element === '') return 'is empty';
  const equals = element.indexOf('=');
  const id = equals < 0 ? null : element.slice(0, equals);
  if (id !== null && !idPattern.test(id)) return `"${id}" is not a node id (letters, digits, ".", "_", "-")`;
  const isLearner = element.endsWith(learnerMark);
  const address = parseAddress(
    element.slice(equals + 1, isLearner ? -learnerMark.length : undefined),
    DEFAULT_CLUSTER_PORT,
  );
  return typeof address === 'string' ? address : { id, ...address, ...(isLearner && { isLearner }) };
}

function parsePort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}
