import type { ConsulAddress } from '../../consul/http.ts';
import { watchDns } from '../../discovery/dns.ts';
import { type Peers, type PeersOptions, watchHealth } from '../../discovery/peers.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Settings } from '../../settings/schema.ts';
import type { ConsulNames } from './consul-names.ts';

const dnsSuffix = 'service.consul';

export interface WatchPeersOptions {
  readonly settings: Pick<Settings, 'consulDns'>;
  readonly consul: ConsulAddress;
  readonly names: Pick<ConsulNames, 'serviceName' | 'tag'>;
  /** Also where it may have changed only. */
  readonly onChange: () => void;
  readonly log: Log;
}

/** By the HTTP API, or by DNS where CONSUL_DNS says so. A failure is logged once, until it is over or another one. */
export function watchPeers({ settings, consul, names, onChange, log }: WatchPeersOptions): Peers {
  const told = { failure: '' };
  const options: PeersOptions = {
    clock: systemClock,
    random: Math.random,
    onChange: () => {
      told.failure = '';
      onChange();
    },
    onFailure: ({ code, message }) => {
      if (message !== told.failure) log.warn({ code }, `the other nodes cannot be looked up: ${message}`);
      told.failure = message;
    },
  };
  const { serviceName: name, tag } = names;
  const { consulDns } = settings;
  return consulDns === null
    ? watchHealth(consul, { name, tag }, options)
    : watchDns(consulDns, `${tag}.${name}.${dnsSuffix}`, options);
}
