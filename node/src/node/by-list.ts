import { startApi } from '../api/server.ts';
import { ownHostNames } from '../lib/host-header.ts';
import { formatAddress } from '../transport/addresses.ts';
import type { Frame } from './frame.ts';
import { openBehind } from './parts.ts';
import type { Place } from './place.ts';

/** DISCOVERY_MODE=static: the operator's list says who founds the cluster, and where. Resolves with host:port of the API. */
export async function startByList(frame: Frame, place: Place): Promise<string> {
  const { settings, token, hooks, directory, opened } = frame;
  const selfIndex = place.selfIndex(directory.nodeId);
  const elsewhere = place.elsewhere(selfIndex);
  if (elsewhere !== null) hooks.log.warn({}, elsewhere);
  const { healthAddress } = settings;
  const backend = await openBehind(frame, {
    ...{ listed: place.listed, selfIndex, listedSize: place.listed.length, joins: false, contacts: {} },
    origin: 'CLUSTER_NODES',
    apiAddress: formatAddress(healthAddress.host, healthAddress.port),
    onConsensus: () => undefined,
    isExpected: () => false,
  });
  const api = await startApi({
    backend,
    ...healthAddress,
    token,
    ownNames: ownHostNames([healthAddress.host, ...place.listed.map(({ host }) => host), ...settings.apiHostNames]),
    log: hooks.log,
  });
  opened.push(() => api.close());
  return formatAddress(api.address.host, api.address.port);
}
