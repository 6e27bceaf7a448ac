import { isIPv4, isIPv6 } from 'node:net';

export interface Door {
  /** The address the port is bound to, as the operator wrote it. */
  readonly bindHost: string;
  readonly hasSecret: boolean;
  readonly hasMutualTls: boolean;
  /** CLUSTER_INSECURE=true. */
  readonly insecure: boolean;
}

/**
 * Why the Raft port may not be opened like this, or null. Whoever reaches it can take part in the cluster and aim a load
 * test at anybody, so off loopback it demands mutual TLS or a shared secret, unless the operator says otherwise aloud.
 */
export function refuseOpenDoor(door: Door): string | null {
  if (isLoopback(door.bindHost) || door.hasSecret || door.hasMutualTls || door.insecure) return null;
  return (
    `the cluster address ${door.bindHost} can be reached from other machines, but neither CLUSTER_SECRET nor mutual TLS ` +
    'is set: set one of them, bind to 127.0.0.1, or say CLUSTER_INSECURE=true to let anybody take part'
  );
}

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
