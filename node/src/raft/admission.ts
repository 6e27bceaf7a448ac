import { boundIncarnation, isBoundVoter, memberIds } from './membership.ts';
import { leadPeer } from './leading.ts';
import type { Message } from './messages.ts';
import type { RaftState } from './state.ts';
import { isMembershipCommitted, learnOfFounding } from './state.ts';
import { failTransfer } from './transfer.ts';
import type { Incarnation, Member, NodeId } from './types.ts';

/** A peer completed its handshake: it can be counted before the founding, bound after it, or must be refused. */
export function peerUp(state: RaftState, peer: Member, clusterId: string | null): void {
  const reason = refusal(state, peer, clusterId);
  if (reason !== null) return refuse(state, peer.id, reason);
  state.shunned.delete(peer.id);
  if (clusterId !== null) learnOfFounding(state);
  forgetOtherDisk(state, peer);
  state.met.set(peer.id, { member: peer, clusterId: clusterId ?? clusterBoundTo(state, peer), up: true });
  if (state.leadership !== null) leadPeer(state, state.leadership, peer.id);
}

/**
 * Judges those that are connected once more, when a founding that could still be undone has become certain: until then a peer
 * of another cluster, or one that the membership has no place for, had to be let in.
 */
export function judgeAgain(state: RaftState): void {
  for (const [id, met] of state.met) {
    met.clusterId ??= clusterBoundTo(state, met.member);
    const reason = met.up ? refusal(state, met.member, met.clusterId) : null;
    if (reason === null) continue;
    state.met.delete(id);
    state.leadership?.progress.delete(id);
    refuse(state, id, reason);
  }
}

/**
 * The cluster of a peer that could not say which it belongs to, since its handshake came before the founding: a membership that is
 * certain binds its disk. Remembered beyond that membership, or who is removed by a later one would pass for a stranger.
 */
function clusterBoundTo(state: RaftState, peer: Member): string | null {
  const membership = state.memberships.current;
  if (membership === null || !isMembershipCommitted(state)) return null;
  return isBoundVoter(membership, peer) ? membership.clusterId : null;
}

function refuse(state: RaftState, id: NodeId, reason: string): void {
  state.shunned.add(id);
  state.effects.emit({ kind: 'peerRefused', id, reason });
}

/**
 * Nothing binds an unmet peer to its disk yet, nor a learner, so it may come back with another one. What the lost disk held and
 * voted is gone with it: counted for the new one, two disks of three would pass for a quorum (raft.md M9).
 */
function forgetOtherDisk(state: RaftState, peer: Member): void {
  const membership = state.memberships.current;
  if (membership !== null && isBoundVoter(membership, peer)) return;
  if (state.met.get(peer.id)?.member.incarnation === peer.incarnation) return;
  state.leadership?.progress.delete(peer.id);
  state.election?.answers.delete(peer.id);
}

const oneList = 'give all nodes the list with which the cluster is founded';

/** Why it may not take part, and what to do about it; null: it may. */
function refusal(state: RaftState, peer: Member, clusterId: string | null): string | null {
  const membership = state.memberships.current;
  if (peer.id === state.options.self.id) return 'it has the name of this node: give each node an id of its own';
  if (membership === null) {
    // Who founds nothing counts nobody: the log will say who belongs to it.
    if (state.foundedElsewhere || clusterId !== null) return null;
    const isListFull = state.met.size >= state.options.listedSize - 1 && !state.met.has(peer.id);
    return isListFull ? `the list has ${state.options.listedSize} members, and all of them were met: ${oneList}` : null;
  }
  const bound = boundIncarnation(membership, peer.id);
  const isOther = bound !== null && bound !== peer.incarnation;
  // With the id of this cluster it was admitted again, which a leader would know: see isHeard.
  const mayBeNews = clusterId === membership.clusterId && state.leadership === null;
  if (isOther && !mayBeNews) return anotherDisk(bound, peer.incarnation);
  // An uncommitted founding may yet be replaced by the one the peer knows.
  if (!isMembershipCommitted(state)) return null;
  if (clusterId !== null && clusterId !== membership.clusterId) {
    return (
      `it belongs to cluster ${clusterId}, this node to ${membership.clusterId}: start it with the data directory it had here, ` +
      'or with an empty one if it never was a member'
    );
  }
  // One of this cluster that is no member here may be newer than this log, or was removed and is to be told.
  const isAwaited = bound !== null || membership.unmet > 0 || membership.learners.includes(peer.id);
  return isAwaited || clusterId !== null ? null : `the membership has no place left for it: ${oneList}, or add it`;
}

function anotherDisk(bound: Incarnation, met: Incarnation): string {
  return (
    `its incarnation is ${met}, the cluster knows ${bound}: its disk was replaced, so it is not that member; start it with the ` +
    'data directory it had (if that is lost, so is the member: the others go on while they are a majority, and can remove it and add it again)'
  );
}

export function peerDown(state: RaftState, id: NodeId): void {
  const peer = state.met.get(id);
  if (peer !== undefined) peer.up = false;
  const { leadership } = state;
  leadership?.progress.get(id)?.restart(state.log.base.index);
  const membership = state.memberships.current;
  // One that was removed has been told, or will be when it comes back.
  const isMember = membership === null || membership.unmet > 0 || memberIds(membership).includes(id);
  if (!isMember) leadership?.progress.delete(id);
  if (leadership?.transfer?.to === id) failTransfer(state, leadership, `the connection to ${id} was lost`);
}

/** What a member that has another disk now than the one bound here may say: it counts for nothing, but it may lead, and be voted for. */
const unbound: readonly Message['kind'][] = ['appendRequest', 'heartbeat', 'voteRequest', 'timeoutNow'];

/**
 * Whether a message is heard at all. A voter with another disk than the one bound has forgotten its votes and its log, so none of
 * its words count; it is named once per incarnation, not once per message. Unless it knows which cluster this is: that it can only
 * have from its log, which nobody gives it before it is admitted again. Then it is this node that does not know yet, and it must
 * hear it to learn of that, since who was admitted again may lead.
 */
export function isHeard(state: RaftState, message: Message, incarnation: Incarnation): boolean {
  const { from: id, kind } = message;
  // Refused at its handshake: the end of that connection may come behind what it brought (raft.md M13).
  if (state.shunned.has(id)) return false;
  const membership = state.memberships.current;
  const bound = membership === null ? null : boundIncarnation(membership, id);
  if (bound === null) {
    const known = state.met.get(id);
    return known === undefined || known.member.incarnation === incarnation;
  }
  if (bound === incarnation) return true;
  if (isAdmittedAgain(state, id) && state.met.get(id)?.member.incarnation === incarnation)
    return unbound.includes(kind);
  if (state.refused.get(id) !== incarnation) {
    state.refused.set(id, incarnation);
    state.effects.emit({ kind: 'peerRefused', id, reason: anotherDisk(bound, incarnation) });
  }
  return false;
}

/** Whether this peer has another disk than the one bound here, and belongs to this cluster with it. */
export function isAdmittedAgain(state: RaftState, id: NodeId): boolean {
  const membership = state.memberships.current;
  const met = state.met.get(id);
  if (membership === null || met === undefined || met.clusterId !== membership.clusterId) return false;
  const bound = boundIncarnation(membership, id);
  return bound !== null && bound !== met.member.incarnation;
}
