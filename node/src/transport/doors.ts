import { isLoopback } from '../lib/loopback.ts';

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
