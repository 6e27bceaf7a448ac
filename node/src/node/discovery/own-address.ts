import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import type { ConsulAddress } from '../../consul/http.ts';
import { TuttiError } from '../../lib/errors.ts';
import { isLoopback } from '../../lib/loopback.ts';
import type { Settings } from '../../settings/schema.ts';
import { parseAddress } from '../../transport/addresses.ts';
import { isWildcard } from '../../transport/find-self.ts';
import { consulAddress } from '../consul-address.ts';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** What a node must know to be found by Consul. */
export interface ConsulPlace {
  readonly consul: ConsulAddress;
  /** Where other machines reach the cluster's port. */
  readonly address: HostAndPort;
}

/** SETTINGS_INVALID. */
export async function readConsulPlace(settings: Settings): Promise<ConsulPlace> {
  const consul = consulAddress(settings);
  return { consul, address: await ownAddress(settings, consul.url) };
}

/**
 * Where other machines reach the cluster's port: CLUSTER_SELF_ADDR, else the address it is bound to, else, of one that is bound to
 * all, the one from which this machine reaches Consul. SETTINGS_INVALID.
 */
async function ownAddress(settings: Settings, consul: URL): Promise<HostAndPort> {
  const { bindAddress, selfAddress } = settings;
  if (selfAddress !== null) {
    const parsed = parseAddress(selfAddress, bindAddress.port);
    if (typeof parsed !== 'string') return parsed;
    throw new TuttiError('SETTINGS_INVALID', `CLUSTER_SELF_ADDR: ${parsed}`);
  }
  if (!isWildcard(bindAddress.host)) return bindAddress;
  const towards = await addressTowards(consul);
  // An agent on this machine says nothing of how others reach it.
  const host = towards !== null && !isLoopback(towards) ? towards : (outwardAddress() ?? towards ?? '127.0.0.1');
  return { host, port: bindAddress.port };
}

/** Of the interface that leads there. Nothing is sent: connecting a UDP socket only looks up the route. */
async function addressTowards({ hostname, port }: URL): Promise<string | null> {
  const socket = createSocket(hostname.startsWith('[') ? 'udp6' : 'udp4');
  try {
    const connected = once(socket, 'connect');
    socket.connect(Number(port === '' ? 8500 : port), hostname.replace(/^\[|\]$/g, ''));
    await connected;
    return socket.address().address;
  } catch {
    // No route, or no such name yet: Consul itself will be tried, and that failure is told.
    return null;
  } finally {
    socket.close();
  }
}

function outwardAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null;
}
