import { formatAddress } from '../transport/addresses.ts';
import { isWildcard } from '../transport/find-self.ts';
import type { Close } from './close-all.ts';
import { onceAnnounced } from './discovery/announced.ts';
import { consulNames } from './discovery/consul-names.ts';
import { ConsulDiscovery } from './discovery/consul-discovery.ts';
import { serveLeaving } from './discovery/leave.ts';
import { Leaving } from './discovery/leaving.ts';
import { openFront } from './discovery/open-front.ts';
import type { ConsulPlace } from './discovery/own-address.ts';
import type { Frame } from './frame.ts';
import { openBehind } from './parts.ts';

/**
 * DISCOVERY_MODE=consul: the API answers from the start, as Consul's check asks it, and the rest follows once the cluster is known.
 * Resolves with host:port of the API; rejects with SHUTTING_DOWN when the node is stopped before.
 */
export async function startByConsul(frame: Frame, { consul, address }: ConsulPlace): Promise<string> {
  const { settings, security, hooks, directory, self, isLearner, opened } = frame;
  const { nodeId, incarnation } = directory;
  const { healthAddress } = settings;
  const { front, api } = await openFront(frame, address.host);
  const closeApi = once(() => api.close());
  opened.push(closeApi);
  const apiHost = isWildcard(healthAddress.host) ? address.host : healthAddress.host;
  const apiAddress = formatAddress(apiHost, api.address.port);
  const identity = { nodeId, incarnation, session: self.session, isLearner };
  const names = consulNames(settings, nodeId);
  const discovery = new ConsulDiscovery({
    ...{ settings, security, consul, names, address, apiAddress, identity, front },
    log: hooks.log,
  });
  const closeDiscovery = once(() => discovery.close());
  opened.push(closeDiscovery);
  const { founding, joins, contacts } = await discovery.meet(hooks.stopped);
  const leaving = new Leaving({ ...frame, consul, founding, foundingKey: names.foundingKey });
  opened.push(() => leaving.forget());
  const backend = await openBehind(withAnnouncedSource(frame, discovery), {
    ...{ listed: [{ id: nodeId, ...address }], selfIndex: 0, listedSize: founding.founders.length, joins, contacts },
    origin: 'Consul',
    apiAddress,
    onConsensus: (consensus) => {
      serveLeaving(consensus);
      discovery.follow(consensus, founding);
      // Behind the hand-over of the leadership and of this node's part of a run.
      opened.push(() => leaving.leave(consensus));
    },
    isExpected: (error) => leaving.isExpected(error),
  });
  front.show(backend);
  // At an end nobody finds this node any more, then nobody asks it, then the rest ends.
  opened.push(closeApi, closeDiscovery);
  return formatAddress(api.address.host, api.address.port);
}

function withAnnouncedSource(frame: Frame, discovery: ConsulDiscovery): Frame {
  const { source } = frame;
  if (source?.sharedBy !== 'cluster') return frame;
  return { ...frame, source: { ...source, source: onceAnnounced(source.source, discovery.announced) } };
}

function once(close: Close): Close {
  let closed: Promise<void> | null = null;
  return () => (closed ??= Promise.resolve(close()));
}
