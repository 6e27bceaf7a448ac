import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { TuttiError } from '../lib/errors.ts';
import type { Instance } from '../consul/services.ts';
import { addressesOf, type Peers, type PeersOptions } from './peers.ts';

/** DNS tells no change by itself. */
const askEveryMs = 1_000;
const timeoutMs = 2_000;
/** An answer by UDP may hold some of many instances, others each time: what the last ones had is put together. */
const answersKept = 5;
/** There is no such name, or none of this type: no instance is healthy. */
const nobody: readonly string[] = ['ENOTFOUND', 'ENODATA'];

/** By the SRV records of the name, asked of the DNS server at host:port; a host name is looked up first, each time. */
export function watchDns(
  server: { readonly host: string; readonly port: number },
  name: string,
  { clock, onChange, onFailure }: PeersOptions,
): Peers {
  let answers: readonly (readonly Instance[])[] = [];
  let cancel = (): void => undefined;
  let isClosed = false;
  const ask = async (): Promise<void> => {
    try {
      const instances = await resolve(server, name);
      answers = [instances, ...answers].slice(0, answersKept);
      if (!isClosed) onChange();
    } catch (error) {
      const { message } = TuttiError.from(error);
      if (!isClosed)
        onFailure(new TuttiError('CONSUL_FAILED', `DNS of Consul (CONSUL_DNS): ${message}`, { cause: error }));
    }
    if (!isClosed) cancel = clock.at(clock.nowMs() + askEveryMs, () => void ask());
  };
  void ask();
  return {
    addresses: () => addressesOf(answers.flat()),
    close: () => {
      isClosed = true;
      cancel();
    },
  };
}

async function resolve({ host, port }: { host: string; port: number }, name: string): Promise<readonly Instance[]> {
  const address = isIP(host) === 0 ? (await lookup(host)).address : host;
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers([isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`]);
  const services = await orNobody(resolver.resolveSrv(name));
  const instances = await Promise.all(
    services.map(async (service) =>
      (await addressesOfHost(resolver, service.name)).map((found) => ({ host: found, port: service.port })),
    ),
  );
  return instances.flat();
}

async function addressesOfHost(resolver: Resolver, name: string): Promise<readonly string[]> {
  const found = await orNobody(resolver.resolve4(name));
  return found.length > 0 ? found : orNobody(resolver.resolve6(name));
}

async function orNobody<Found>(asked: Promise<Found[]>): Promise<Found[]> {
  try {
    return await asked;
  } catch (error) {
    if (nobody.includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
