import { MembershipHistory } from '../../node/src/raft/membership-history.ts';
import { majority, sizeOf } from '../../node/src/raft/quorum.ts';
import type { Member, Membership, VoterSet } from '../../node/src/raft/types.ts';
import type { DurableState } from './disk.ts';
import type { SimulatedNode } from './node.ts';

export function membershipsOf({ snapshot, entries, isReplaced }: DurableState): MembershipHistory {
  return MembershipHistory.recovered(snapshot?.metadata ?? null, isReplaced ? [] : entries);
}

/** The newest one of a log, committed or not: the one that counts for whoever has that log. */
export function membershipOf(log: DurableState): Membership | null {
  return membershipsOf(log).current;
}

/** What a node goes by: what it has in memory, or would recover. */
export function logOf({ isUp, mirror, disk }: SimulatedNode): DurableState {
  return isUp ? mirror : disk.durable;
}

export function setsOf(membership: Membership): VoterSet[] {
  return membership.outgoing === null ? [membership] : [membership, membership.outgoing];
}

/** Whether a majority of each set is as `has` says; nobody was met for the unmet places, so they are not. */
export function hasMajority(membership: Membership, has: (voter: Member) => boolean): boolean {
  return setsOf(membership).every((set) => set.voters.filter(has).length >= majority(sizeOf(set)));
}

/** The newest membership of each node's log. */
export function allMemberships(nodes: readonly SimulatedNode[]): Membership[] {
  return nodes.flatMap((node) => membershipOf(logOf(node)) ?? []);
}

/** Whether these nodes, with the disks they have now, can decide in this membership. */
export function canDecide(membership: Membership, nodes: readonly SimulatedNode[]): boolean {
  return hasMajority(membership, ({ id, incarnation }) =>
    nodes.some((node) => node.id === id && node.incarnation === incarnation),
  );
}
