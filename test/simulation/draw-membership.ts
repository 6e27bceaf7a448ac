import type { MemberChange } from '../../node/src/raft/change.ts';
import { memberIds } from '../../node/src/raft/membership.ts';
import type { Membership } from '../../node/src/raft/types.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { FaultPlan } from './faults.ts';
import type { SimulatedNode } from './node.ts';
import type { Random } from './random.ts';

/** What an operator, and the leader by itself, do to the members. */
export type MembershipFaults = Pick<FaultPlan, 'changeMeanMs' | 'spares' | 'removeDeadAfterMs'>;

export const sameMembers: MembershipFaults = { changeMeanMs: Infinity, spares: 0, removeDeadAfterMs: Infinity };

/** Drawn apart, so that a seed without them means what it meant before there were any. */
export function drawMembershipFaults(random: Random): MembershipFaults {
  if (random.chance(0.5)) return sameMembers;
  return {
    changeMeanMs: random.between(30, 800),
    spares: random.pick([1, 2, 3]),
    removeDeadAfterMs: random.chance(0.3) ? random.between(400, 2_000) : Infinity,
  };
}

/** Asks whoever leads, or believes so, for a change; sometimes for several in one. */
export function changeSome(cluster: SimulatedCluster, random: Random): void {
  const believers = cluster.nodes.filter(({ core }) => core?.status().role === 'leader');
  const at = believers.length > 0 && random.chance(0.95) ? random.pick(believers) : random.pick(cluster.nodes);
  const membership = at.core?.status().membership ?? null;
  if (membership === null || cluster.scheduler.nowMs < at.pausedUntilMs) return;
  const lost = lostVoters(membership, cluster.nodes);
  // Who knows that a disk is lost removes that voter first: any other change would count on it.
  const changes =
    lost.length > 0 ? [{ kind: 'remove', id: random.pick(lost) } as const] : drawChanges(cluster, membership, random);
  if (changes.length === 0) return;
  cluster.trace(`${at.id} is asked to ${changes.map(({ kind, id }) => `${kind} ${id}`).join()}`);
  at.feed({ kind: 'change', changes });
}

function lostVoters(membership: Membership, nodes: readonly SimulatedNode[]): string[] {
  const isLost = (id: string, incarnation: string): boolean =>
    nodes.some((node) => node.id === id && node.incarnation !== incarnation);
  return membership.voters.filter(({ id, incarnation }) => isLost(id, incarnation)).map(({ id }) => id);
}

function drawChanges({ nodes }: SimulatedCluster, membership: Membership, random: Random): MemberChange[] {
  const count = random.pick([1, 1, 1, 2, 3, 4]);
  const ids = random.shuffled(nodes.map(({ id }) => id)).slice(0, count);
  const wished = ids.map((id) => drawChange(id, membership, random));
  // Of several, some may be impossible for a reason of their own, and one is enough to refuse them all.
  return count === 1 ? wished : wished.filter(({ kind }) => kind !== 'addLearner' || random.chance(0.5));
}

function drawChange(id: string, membership: Membership, random: Random): MemberChange {
  if (random.chance(0.02)) return { kind: 'promote', id };
  if (!memberIds(membership).includes(id)) return { kind: 'addLearner', id, address: `${id}:7000` };
  if (membership.learners.includes(id)) return { kind: random.chance(0.8) ? 'promote' : 'remove', id };
  return { kind: random.chance(0.5) ? 'demote' : 'remove', id };
}
