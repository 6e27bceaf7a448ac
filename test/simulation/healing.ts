import { isBoundVoter, names } from '../../node/src/raft/membership.ts';
import { majority } from '../../node/src/raft/quorum.ts';
import type { LogPosition } from '../../node/src/raft/types.ts';
import type { SimulatedCluster } from './cluster.ts';
import { allMemberships, canDecide } from './memberships.ts';
import type { SimulatedNode } from './node.ts';
import type { Random } from './random.ts';

/**
 * A random quorum that can decide, whatever membership of any log comes to count; else everyone. Everyone too before the founding
 * is committed: it may be on its way to the quorum, and name others (ADR 0011).
 */
export function pickCore({ nodes, checks }: SimulatedCluster, random: Random): readonly SimulatedNode[] {
  const healthy = nodes.filter(({ wipedDisks }) => wipedDisks.length === 0);
  const core = random.shuffled(healthy).slice(0, random.pick([majority(nodes.length), healthy.length]));
  if (checks.committed.length === 0) return healthy;
  return allMemberships(nodes).every((membership) => canDecide(membership, core)) ? core : nodes;
}

/** Those of the core that the leader counts on, or gives its log. */
export function membersOf(core: readonly SimulatedNode[], leader: SimulatedNode | undefined): SimulatedNode[] {
  const membership = leader?.core?.status().membership ?? null;
  return membership === null ? [] : core.filter(({ id, incarnation }) => names(membership, { id, incarnation }));
}

/** Whether the leader is one of the highest priority among the voters of the core: learners never lead, whatever theirs is. */
export function isPreferred(core: readonly SimulatedNode[], leader: SimulatedNode | undefined): boolean {
  const membership = leader?.core?.status().membership ?? null;
  if (leader === undefined || membership === null) return false;
  const voters = core.filter(({ id, incarnation }) => isBoundVoter(membership, { id, incarnation }));
  return leader.priority === Math.max(...voters.map(({ priority }) => priority));
}

/**
 * All members of the core have committed what was proposed after the healing, no change of members is half done, the logs are
 * equal to their ends, and no write is left that began to hang before it: its leader would yet fall silent.
 */
export function isConverged(
  core: readonly SimulatedNode[],
  leader: SimulatedNode | undefined,
  proposed: LogPosition,
): boolean {
  const membership = leader?.core?.status().membership ?? null;
  // A leader that is no voter any more is about to hand over.
  if (leader === undefined || membership?.outgoing !== null || !isBoundVoter(membership, leader)) return false;
  const end = leader.mirror.last;
  return membersOf(core, leader).every(({ mirror, committed, isSynced }) => {
    const own = mirror.last;
    return (
      isSynced &&
      committed[proposed.index - 1]?.term === proposed.term &&
      own.index === end.index &&
      own.term === end.term
    );
  });
}
