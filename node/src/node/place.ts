import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { TuttiError } from '../lib/errors.ts';
import { isLoopback } from '../lib/loopback.ts';
import type { Settings } from '../settings/schema.ts';
import { membersOf } from './discovery/listed-members.ts';
import { canonicalHost, formatAddress, parseAddress, parseClusterNodes } from '../transport/addresses.ts';
import { findSelf, type OwnAddresses } from '../transport/find-self.ts';
import type { ListedPeer } from '../transport/transport.ts';

/** Names are looked up to find ourselves; a name server that does not answer must not hold up the start for longer. */
const lookupTimeoutMs = 3000;

/** The operator's list, and which element of it this node is. */
export interface Place {
  readonly listed: readonly ListedPeer[];
  /** The id that the list has for this machine's address, if it can be told and has one. */
  listedIdHere(): string | null;
  /** Which element is the node of this id. Throws SETTINGS_INVALID with what was looked for and what to set. */
  selfIndex(nodeId: string): number;
  /** Whether the list says that the node of this id has no vote. Throws SETTINGS_INVALID where CLUSTER_ROLE says another thing. */
  isLearner(nodeId: string): boolean;
  /** A sentence if this node listens elsewhere on this machine than its own element says, so that nobody may reach it; or null. */
  elsewhere(selfIndex: number): string | null;
}

/** Reads CLUSTER_NODES and looks up what finding ourselves in it needs. */
export async function readPlace(settings: Settings): Promise<Place> {
  const listed = parseClusterNodes(settings.nodes ?? '');
  // Refused here, before anything is opened.
  if (listed.some(({ isLearner }) => isLearner === true)) membersOf(listed, 'CLUSTER_NODES');
  const resolved = await resolveHosts(listed);
  const advertise =
    settings.selfAddress === null ? null : parseAddress(settings.selfAddress, settings.bindAddress.port);
  if (typeof advertise === 'string') throw new TuttiError('SETTINGS_INVALID', `CLUSTER_SELF_ADDR: ${advertise}`);
  const own = {
    bind: settings.bindAddress,
    advertise,
    interfaceAddresses: Object.values(networkInterfaces()).flatMap((addresses) =>
      (addresses ?? []).map(({ address }) => address),
    ),
    hostName: hostname(),
    resolved,
  };
  const selfIndex = (nodeId: string): number => {
    const found = findSelf(listed, { ...own, nodeId });
    if ('index' in found) return found.index;
    throw new TuttiError('SETTINGS_INVALID', found.reason);
  };
  return {
    listed,
    listedIdHere() {
      const found = findSelf(listed, { ...own, nodeId: null });
      return 'index' in found ? listed[found.index]!.id : null;
    },
    selfIndex,
    isLearner(nodeId) {
      const { isLearner = false } = listed[selfIndex(nodeId)]!;
      const problem = roleProblem(settings.role, isLearner);
      if (problem === null) return isLearner;
      throw new TuttiError('SETTINGS_INVALID', problem);
    },
    elsewhere: (selfIndex) => findElsewhere(listed[selfIndex]!, own),
  };
}

function roleProblem(role: Settings['role'], isLearner: boolean): string | null {
  if (role === null || (role === 'learner') === isLearner) return null;
  const remedy = isLearner
    ? 'leave CLUSTER_ROLE out, or take `/learner` out of every node’s list'
    : 'mark it `/learner` there, on every node';
  return `CLUSTER_ROLE is ${role}, but CLUSTER_NODES has this node as a ${isLearner ? 'learner' : 'voter'}: ${remedy}`;
}

/** Another host of the list may be a proxy's or a port mapping's; what this machine itself has is compared by its port. */
export function findElsewhere(listed: ListedPeer, own: Omit<OwnAddresses, 'nodeId'>): string | null {
  const { host, port } = own.bind;
  const said = own.advertise?.port ?? port;
  const isHere = [listed.host, ...(own.resolved.get(listed.host) ?? [])]
    .map(canonicalHost)
    .some((name) => isLoopback(name) || own.interfaceAddresses.map(canonicalHost).includes(name));
  if (!isHere || listed.port === said) return null;
  const entry = (listed.id === null ? '' : `${listed.id}=`) + formatAddress(listed.host, listed.port);
  return (
    `listens on ${formatAddress(host, port)} (CLUSTER_BIND_ADDR), but its own element of CLUSTER_NODES is ${entry}: unless a proxy ` +
    'or a port mapping leads from there to here, no other node reaches this one'
  );
}

async function resolveHosts(listed: readonly ListedPeer[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = [...new Set(listed.map(({ host }) => host))].filter((host) => isIP(host) === 0);
  const answers = await Promise.all(names.map(async (name) => [name, await addressesOf(name)] as const));
  return new Map(answers);
}

/** A name that does not resolve yet (a peer's container is not up) is no error: its connection is retried for ever. */
async function addressesOf(name: string): Promise<readonly string[]> {
  const { promise: timedOut, resolve } = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(() => resolve([]), lookupTimeoutMs);
  const found = lookup(name, { all: true }).then(
    (all) => all.map(({ address }) => address),
    () => [],
  );
  return Promise.race([found, timedOut]).finally(() => clearTimeout(timer));
}
