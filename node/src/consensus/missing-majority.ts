import { noMajority } from '../lib/no-majority.ts';
import { majority, sizeOf } from '../raft/quorum.ts';
import type { PeerProblem, PeerStatus } from '../transport/transport.ts';
import type { ConsensusStatus } from './consensus.ts';

/**
 * Why no leader can be elected as things are, with the remedy, or null: fewer bound members can be reached from here than must
 * vote. A listed member that no leader has met counts in the size and cannot vote, whether it is there or not (ADR 11).
 */
export function missingMajority(
  status: Pick<ConsensusStatus, 'nodeId' | 'incarnation' | 'leaderId' | 'membership'>,
  peers: readonly PeerStatus[],
): PeerProblem | null {
  const { nodeId, incarnation, leaderId, membership } = status;
  if (leaderId !== null || membership === null) return null;
  const reached = [
    { nodeId, incarnation },
    ...peers.flatMap(({ state, identity }) => (state === 'connected' && identity !== null ? [identity] : [])),
  ];
  const isReached = (voter: { readonly id: string; readonly incarnation: string }): boolean =>
    reached.some((node) => node.nodeId === voter.id && node.incarnation === voter.incarnation);
  const able = membership.voters.filter(isReached).map(({ id }) => id);
  const needed = majority(sizeOf(membership));
  if (able.length >= needed) return null;
  const missing = membership.voters.filter((voter) => !isReached(voter)).map(({ id }) => id);
  const { unmet } = membership;
  const sentences = [
    `${noMajority}: ${needed} of ${sizeOf(membership)} members must vote, ` +
      `and ${able.length === 0 ? 'none that is reached can' : `only ${quoted(able)} can`}`,
    `not reached: ${quoted(missing)}`,
    ...(unmet === 0 ? [] : [`never met by a leader, and no voter before that: ${unmet} of the list`]),
    'start enough of them again, each with the data directory it had',
    'if those are lost, only a new cluster helps: stop all members, empty the data directories of all, start them again',
  ];
  return { address: addressesOf(missing, peers), reason: sentences.join('; ') };
}

function addressesOf(ids: readonly string[], peers: readonly PeerStatus[]): string {
  const addressOf = (id: string): string =>
    peers.find(({ identity, expectedId }) => (identity?.nodeId ?? expectedId) === id)?.address ?? id;
  return ids.map(addressOf).join(', ');
}

function quoted(ids: readonly string[]): string {
  return ids.map((id) => `"${id}"`).join(', ');
}
