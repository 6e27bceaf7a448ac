import type { Founder } from '../discovery/founding.ts';
import type { MemberList } from '../discovery/member-list.ts';
import { formatAddress } from '../transport/addresses.ts';
import { ListDiscovery } from './discovery/list-discovery.ts';
import { openFront } from './discovery/open-front.ts';
import type { HostAndPort } from './discovery/own-address.ts';
import { Removal } from './discovery/removal.ts';
import type { Frame } from './frame.ts';
import { openBehind } from './parts.ts';

/** What says who the members are to be, and who founds the cluster. */
export interface KnownBy {
  /** Where other machines reach the cluster's port. */
  readonly address: HostAndPort;
  /** What the addresses are taken from, for messages. */
  readonly origin: string;
  /** `look` is to be called when the list has changed, or the founders are known. */
  readonly open: (look: () => void) => {
    readonly list: MemberList;
    readonly founders: () => readonly Founder[] | null;
    readonly foundersProblem: () => string | null;
    readonly close: () => void;
  };
}

/**
 * A node that waits to know its cluster, or to be let in there: the API answers from the start, and the rest follows then. Resolves with
 * host:port of the API; rejects with SHUTTING_DOWN when the node is stopped before.
 */
export async function startByChangingList(frame: Frame, { address, origin, open }: KnownBy): Promise<string> {
  const { settings, security, hooks, directory, self, isLearner, opened } = frame;
  const { nodeId, incarnation } = directory;
  const { front, api } = await openFront(frame, address.host);
  opened.push(() => api.close());
  const apiAddress = formatAddress(api.address.host, api.address.port);
  const known = open(() => discovery.look());
  opened.push(() => known.close());
  const discovery = new ListDiscovery({
    ...{ settings, security, address, apiAddress, front, log: hooks.log },
    identity: { nodeId, incarnation, session: self.session, isLearner },
    ...{ list: known.list, founders: known.founders, foundersProblem: known.foundersProblem },
  });
  opened.push(() => discovery.close());
  const { founding, joins, contacts } = await discovery.meet(hooks.stopped);
  const removal = new Removal({ directory, dataDirectory: settings.dataDirectory, founding });
  // Behind the end of the log.
  opened.push(() => removal.forget());
  const backend = await openBehind(frame, {
    ...{ listed: [{ id: nodeId, ...address }], selfIndex: 0, listedSize: founding.founders.length, joins, contacts },
    ...{ origin, apiAddress },
    onConsensus: (consensus) => {
      removal.watch(consensus);
      discovery.follow(consensus);
    },
    isExpected: () => false,
  });
  front.show(backend);
  return apiAddress;
}
