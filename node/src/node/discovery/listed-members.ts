import type { ListedMember } from '../../discovery/member-list.ts';
import { TuttiError } from '../../lib/errors.ts';
import { formatAddress, parseClusterNodes } from '../../transport/addresses.ts';
import type { ListedPeer } from '../../transport/transport.ts';

/** Reads a list by which members come and go, in the order of their ids. SETTINGS_INVALID, also where somebody has no id. */
export function parseMembers(text: string, origin: string): readonly ListedMember[] {
  return membersOf(parseClusterNodes(text, origin), origin);
}

/** Who comes later is known by its id alone, so each must have one. */
export function membersOf(peers: readonly ListedPeer[], origin: string): readonly ListedMember[] {
  const nameless = peers.filter(({ id }) => id === null).map(({ host, port }) => formatAddress(host, port));
  if (nameless.length > 0) {
    const message = `${origin}: a list that learners are in, or that may change, names every node: id=host:port; without an id: ${nameless.join(', ')}`;
    throw new TuttiError('SETTINGS_INVALID', message);
  }
  if (peers.every(({ isLearner }) => isLearner === true)) {
    throw new TuttiError('SETTINGS_INVALID', `${origin}: every node is a learner, and nobody would decide`);
  }
  return peers
    .map(({ id, host, port, isLearner = false }) => ({ id: id!, address: formatAddress(host, port), isLearner }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
