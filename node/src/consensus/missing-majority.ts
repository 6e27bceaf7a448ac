import { noMajority } from '../lib/no-majority.ts';
import { type Electorate, electorateOf, hasMajority, majority, sizeOf, votersOf } from '../raft/quorum.ts';
import type { Member } from '../raft/types.ts';
import type { PeerIdentity, PeerProblem, PeerStatus } from '../transport/transport.ts';
import { isAnswering } from './absent-peer.ts';
import type { ConsensusStatus } from './consensus.ts';

type Node = Pick<PeerIdentity, 'nodeId' | 'incarnation'>;

/**
 * Why no leader is known and none can be elected from here, or null: fewer bound members are connected than must vote, where
 * members are being changed of either set. While a
 * peer answers without being connected, the others may well have a leader, so nothing is said of remedies then: what keeps the
 * two apart is a problem of its own. A listed member that no leader has met counts in the size and cannot vote, whether it is
 * there or not (ADR 11).
 */
export function missingMajority(
  status: Pick<ConsensusStatus, 'nodeId' | 'incarnation' | 'leaderId' | 'membership'>,
  peers: readonly PeerStatus[],
): PeerProblem | null {
  const { nodeId, incarnation, leaderId, membership } = status;
  if (leaderId !== null || membership === null) return null;
  const connected: readonly Node[] = [
    { nodeId, incarnation },
    ...peers.flatMap(({ state, identity }) => (state === 'connected' && identity !== null ? [identity] : [])),
  ];
  const isConnected = (voter: Member): boolean =>
    connected.some((node) => node.nodeId === voter.id && node.incarnation === voter.incarnation);
  const electorate = electorateOf(membership);
  if (hasMajority(electorate, isConnected)) return null;
  const voters = votersOf(electorate);
  const able = voters.filter(isConnected).map(({ id }) => id);
  const must = mustVote(electorate);
  const answering = peers.filter((peer) => isAnswering(peer));
  if (answering.length > 0) return cannotTell(must, able, answering);
  const missing = voters.filter((voter) => !isConnected(voter)).map(({ id }) => id);
  const { unmet } = membership;
  const sentences = [
    `${noMajority}: ${must}, and ${able.length === 0 ? 'none that is reached can' : `only ${quoted(able)} can`}`,
    `not reached: ${quoted(missing)}`,
    ...(unmet === 0 ? [] : [`never met by a leader, and no voter before that: ${unmet} of the list`]),
    'start enough of them again, each with the data directory it had',
    'if those are lost, see "What if a majority is lost?" in docs/consensus.md',
  ];
  return { address: addressesOf(missing, peers), reason: sentences.join('; ') };
}

/** While a change of members is under way, of each of both sets as many as are its majority. */
function mustVote(electorate: Electorate): string {
  const [after, before] = electorate.map((set) => `${majority(sizeOf(set))} of ${sizeOf(set)} members`);
  if (before === undefined) return `${after!} must vote`;
  const [idsAfter, idsBefore] = electorate.map(({ voters }) => quoted(voters.map(({ id }) => id)));
  return `${after!} (${idsAfter!}) and ${before} (${idsBefore!}) must vote, as members are being changed`;
}

function cannotTell(must: string, able: readonly string[], answering: readonly PeerStatus[]): PeerProblem {
  const address = answering.map((peer) => peer.address).join(', ');
  const sentences = [
    `cannot tell whether there is a leader: ${must}, and of them ${able.length === 0 ? 'none' : `only ${quoted(able)}`} is connected`,
    `a node answers at ${address}, but is not connected: see the problem there, or the reason among the members`,
  ];
  return { address, reason: sentences.join('; ') };
}

function addressesOf(ids: readonly string[], peers: readonly PeerStatus[]): string {
  const addressOf = (id: string): string =>
    peers.find(({ identity, expectedId }) => (identity?.nodeId ?? expectedId) === id)?.address ?? id;
  return ids.map(addressOf).join(', ');
}

function quoted(ids: readonly string[]): string {
  return ids.map((id) => `"${id}"`).join(', ');
}
