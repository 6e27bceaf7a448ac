import { startApi } from '../api/server.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { fixedList, type MemberList } from '../discovery/member-list.ts';
import { systemClock } from '../lib/clock.ts';
import { ownHostNames } from '../lib/host-header.ts';
import { formatAddress } from '../transport/addresses.ts';
import type { ListedPeer } from '../transport/transport.ts';
import { startByChangingList } from './by-changing-list.ts';
import { foundersOf } from './discovery/founders-object.ts';
import { ListFollowing } from './discovery/list-following.ts';
import { membersOf } from './discovery/listed-members.ts';
import { ownPorch } from './discovery/own-porch.ts';
import type { Frame } from './frame.ts';
import { openBehind } from './parts.ts';
import type { Place } from './place.ts';

/** DISCOVERY_MODE=static: the operator's list says who founds the cluster, and where. Resolves with host:port of the API. */
export async function startByList(frame: Frame, place: Place): Promise<string> {
  const { settings, token, hooks, directory, opened } = frame;
  const own = place.listed[place.selfIndex(directory.nodeId)]!;
  const elsewhere = place.elsewhere(place.selfIndex(directory.nodeId));
  if (elsewhere !== null) hooks.log.warn({}, elsewhere);
  const voters = place.listed.filter(({ isLearner }) => isLearner !== true);
  const learners = voters.length < place.listed.length ? fixedList(membersOf(place.listed, 'CLUSTER_NODES')) : null;
  if (frame.isLearner && learners !== null) return joinByList(frame, own, learners);
  const { healthAddress } = settings;
  const backend = await openBehind(frame, {
    ...{ listed: voters, selfIndex: voters.indexOf(own), listedSize: voters.length, joins: false, contacts: {} },
    origin: 'CLUSTER_NODES',
    apiAddress: formatAddress(healthAddress.host, healthAddress.port),
    onConsensus: (consensus) => {
      if (learners !== null) opened.push(admitByList(frame, own, learners, consensus));
    },
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

/** A learner founds nothing: it waits for the voters of the list, who found the cluster, to let it in. */
function joinByList(frame: Frame, { host, port }: ListedPeer, list: MemberList): Promise<string> {
  const founders = foundersOf(list.members() ?? []);
  return startByChangingList(frame, {
    address: { host, port },
    origin: 'CLUSTER_NODES',
    open: () => ({ list, founders: () => founders, foundersProblem: () => null, close: () => undefined }),
  });
}

/** A voter that leads lets the learners of the list in. Returns what ends that. */
function admitByList(frame: Frame, own: ListedPeer, list: MemberList, consensus: Consensus<unknown>): () => void {
  const { settings, security, directory, self, hooks } = frame;
  const { nodeId, incarnation } = directory;
  const ownAddress = formatAddress(own.host, own.port);
  const { identify } = ownPorch({
    ...{ settings, security, apiAddress: '', log: hooks.log },
    self: { nodeId, incarnation, session: self.session, isLearner: false, clusterId: null, address: ownAddress },
    listedSize: () => 0,
    onMember: () => undefined,
  });
  const following = new ListFollowing({
    ...{ consensus, list, ownAddress, isLearner: false, identify },
    ...{ clock: systemClock, log: hooks.log },
  });
  return () => following.close();
}
