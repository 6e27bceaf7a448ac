import { isLoopback } from '../lib/loopback.ts';
import { addressKey, canonicalHost, formatAddress } from './addresses.ts';
import type { ListedPeer } from './transport.ts';

export interface OwnAddresses {
  /** As configured or kept in the data directory; null when neither says one. */
  readonly nodeId: string | null;
  readonly bind: { readonly host: string; readonly port: number };
  /** What others shall dial, where it differs from `bind`. */
  readonly advertise: { readonly host: string; readonly port: number } | null;
  /** Every address of this machine's network interfaces. */
  readonly interfaceAddresses: readonly string[];
  readonly hostName: string;
  /** What the list's host names resolve to, as far as that was looked up. */
  readonly resolved: ReadonlyMap<string, readonly string[]>;
}

export type SelfInList = { readonly index: number } | { readonly reason: string };

/**
 * Which element of the list this node is: the one with our id; else the one with the advertised address, else with the bind
 * address, else the only one with our port and a host of this machine. `reason` says what was looked for and what to set.
 */
export function findSelf(list: readonly ListedPeer[], own: OwnAddresses): SelfInList {
  if (own.nodeId !== null) {
    const byId = list.findIndex(({ id }) => id === own.nodeId);
    if (byId >= 0) return { index: byId };
    if (list.every(({ id }) => id !== null)) {
      return {
        reason: `CLUSTER_NODES (${describe(list)}) names no node "${own.nodeId}": set CLUSTER_NODE_ID to the id of this node's own entry`,
      };
    }
  }
  const candidates = list.flatMap((peer, index) => (isPossible(peer, own) ? [{ peer, index }] : []));
  for (const address of own.advertise === null ? [own.bind] : [own.advertise, own.bind]) {
    const key = addressKey(address.host, address.port);
    const exact = candidates.find(({ peer }) => addressKey(peer.host, peer.port) === key);
    if (exact !== undefined) return { index: exact.index };
  }
  const [first, ...others] = candidates.filter(({ peer }) => isOwnPlace(peer, own));
  if (first === undefined) return { reason: notFound(list, own) };
  if (others.length === 0) return { index: first.index };
  const matching = describe([first, ...others].map(({ peer }) => peer));
  return {
    reason: `several elements of CLUSTER_NODES are this machine (${matching}): set CLUSTER_NODE_ID to one of their ids`,
  };
}

/** An element with another node's id is never us, whatever its address. */
function isPossible(peer: ListedPeer, own: OwnAddresses): boolean {
  return own.nodeId === null || peer.id === null;
}

function isOwnPlace(peer: ListedPeer, own: OwnAddresses): boolean {
  if (peer.port !== (own.advertise ?? own.bind).port) return false;
  const wildcard = isWildcard(own.bind.host);
  const bound = canonicalHost(own.bind.host);
  return [peer.host, ...(own.resolved.get(peer.host) ?? [])].map(canonicalHost).some((host) => {
    // Bound to one address, the node is reached there and nowhere else.
    if (!wildcard) return host === bound || (host === 'localhost' && isLoopback(bound));
    return (
      host === canonicalHost(own.hostName) ||
      isLoopback(host) ||
      own.interfaceAddresses.map(canonicalHost).includes(host)
    );
  });
}

export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::'].includes(canonicalHost(host));
}

function notFound(list: readonly ListedPeer[], own: OwnAddresses): string {
  const { host, port } = own.advertise ?? own.bind;
  const machine = isWildcard(host) ? ` (${[own.hostName, ...own.interfaceAddresses].join(', ')})` : '';
  const id = own.nodeId === null ? '' : `"${own.nodeId}", `;
  return `CLUSTER_NODES (${describe(list)}) does not contain this node: ${id}${formatAddress(host, port)}${machine}`;
}

function describe(list: readonly ListedPeer[]): string {
  return list.map(({ id, host, port }) => (id === null ? '' : `${id}=`) + formatAddress(host, port)).join(',');
}
