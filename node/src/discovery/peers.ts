import type { ConsulAddress } from '../consul/http.ts';
import { healthyInstances, type Instance } from '../consul/services.ts';
import { watchConsul } from '../consul/watch.ts';
import type { Clock } from '../lib/clock.ts';
import type { TuttiError } from '../lib/errors.ts';
import { isIPv6 } from 'node:net';

/** Addresses at which a node may be; who is there is for the handshake to say. */
export interface Peers {
  /** host:port of each healthy instance as far as known, without repetition; this node's own is among them once registered. */
  addresses(): readonly string[];
  close(): void;
}

export interface PeersOptions {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onChange: () => void;
  /** Each time Consul could not be asked. What was known last stays. */
  readonly onFailure: (error: TuttiError) => void;
}

/** By blocking queries of the health of the service. */
export function watchHealth(
  consul: ConsulAddress,
  service: { readonly name: string; readonly tag: string },
  options: PeersOptions,
): Peers {
  const { clock, random, onChange, onFailure } = options;
  let known: readonly string[] = [];
  const close = watchConsul<readonly Instance[]>({
    ask: (asked) => healthyInstances(consul, service, asked),
    fromIndex: 0,
    onValue: (instances) => {
      known = addressesOf(instances);
      onChange();
    },
    onFailure,
    clock,
    random,
  });
  return { addresses: () => known, close };
}

/** One for each place, in one order; what is no address is left out. */
export function addressesOf(instances: readonly Instance[]): readonly string[] {
  const usable = instances.filter(({ host, port }) => host !== '' && port >= 1 && port <= 65_535);
  return [...new Set(usable.map(({ host, port }) => `${isIPv6(host) ? `[${host}]` : host}:${port}`))].sort();
}
