import { boundIncarnation, memberIds } from '../raft/membership.ts';
import { electorateOf, hasMajority, majority } from '../raft/quorum.ts';
import type { NodeId, Role } from '../raft/types.ts';
import type { Consensus, ReadOptions } from './consensus.ts';
import type { EventFilter, ObservedEvent } from './observers.ts';
import type { Session } from './sessions/session.ts';
import type { ConsensusStats } from './stats.ts';

export interface ClusterNode {
  readonly id: NodeId;
  /** host:port, as listed; null where no list entry was met under this name. */
  readonly address: string | null;
  readonly region: string | null;
  /** As this member knows it: of others, whether they lead. */
  readonly role: Role | null;
  /** Its vote counts; of a learner it does not. */
  readonly isVoter: boolean;
  /** This member is connected to it, under the disk it is bound to, or is it. */
  readonly isReached: boolean;
  readonly lastHeardMs: number | null;
}

export interface ClusterInfo {
  /** Null until the cluster is founded. */
  readonly id: string | null;
  readonly leader: NodeId | null;
  readonly term: number;
  readonly nodes: readonly ClusterNode[];
  /** Voters and learners, with the listed members that were never met. */
  readonly totalNodes: number;
  readonly reachedNodes: number;
  /** Whether a majority of the voters is reached from here; of a joint membership, of both sets. */
  readonly hasQuorum: boolean;
  readonly commitIndex: number;
  readonly appliedIndex: number;
}

/**
 * A member under the names that other consensus services use (docs/consensus.md). It adds nothing to `Consensus` and `Session`, and holds
 * nothing: each call asks them.
 */
export interface ConsensusService<Result> {
  /** This member leads, and has applied all that was committed before. */
  isLeader(): boolean;
  getLeader(): NodeId | null;
  getRole(): Role;
  getTerm(): number;
  getClusterInfo(): ClusterInfo;
  getStats(): ConsensusStats;
  /** By the session, so on any member, and exactly once: see `Session.apply`. */
  apply(command: Uint8Array): Promise<Result>;
  /** See `Consensus.read`. */
  read<Value>(look: () => Value, options?: ReadOptions): Promise<Value>;
  transferLeadership(to?: NodeId): Promise<void>;
  stepDown(): Promise<void>;
  addNode(id: NodeId, address: string): Promise<void>;
  promote(id: NodeId): Promise<void>;
  demote(id: NodeId): Promise<void>;
  removeNode(id: NodeId): Promise<void>;
  /** See `Consensus.snapshot`. */
  snapshot(): Promise<{ readonly index: number; readonly fileBytes: number }>;
  subscribe(listener: (event: ObservedEvent) => void, filter?: EventFilter): () => void;
}

export function createService<Result>(
  consensus: Consensus<unknown>,
  session: Session<Result>,
): ConsensusService<Result> {
  return {
    isLeader: () => consensus.status().leading,
    getLeader: () => consensus.status().leaderId,
    getRole: () => consensus.status().role,
    getTerm: () => consensus.status().term,
    getClusterInfo: () => clusterInfo(consensus),
    getStats: () => consensus.stats(),
    apply: (command) => session.apply(command),
    read: (look, options) => consensus.read(look, options),
    transferLeadership: (to) => consensus.transferLeadership(to),
    stepDown: () => consensus.stepDown(),
    addNode: (id, address) => consensus.addNode(id, address),
    promote: (id) => consensus.promote(id),
    demote: (id) => consensus.demote(id),
    removeNode: (id) => consensus.removeNode(id),
    snapshot: () => consensus.snapshot(),
    subscribe: (listener, filter) => consensus.subscribe(listener, filter),
  };
}

function clusterInfo(consensus: Consensus<unknown>): ClusterInfo {
  const { term, leaderId, membership, listedSize, commitIndex, appliedIndex } = consensus.status();
  const nodes = clusterNodes(consensus);
  const totalNodes = membership === null ? listedSize : nodes.length + membership.unmet;
  const reachedNodes = nodes.filter(({ isReached }) => isReached).length;
  const isReached = (id: NodeId): boolean => nodes.some((node) => node.id === id && node.isReached);
  const hasQuorum =
    membership === null
      ? reachedNodes >= majority(listedSize)
      : hasMajority(electorateOf(membership), ({ id }) => isReached(id));
  return {
    ...{ id: membership?.clusterId ?? null, leader: leaderId, term, nodes, totalNodes, reachedNodes, hasQuorum },
    ...{ commitIndex, appliedIndex },
  };
}

/** The members; until the cluster is founded those that were met, or are listed by name. */
function clusterNodes(consensus: Consensus<unknown>): ClusterNode[] {
  const { nodeId, role, leaderId, membership } = consensus.status();
  const peers = consensus.peers();
  const known = peers.flatMap(({ identity, expectedId }) => identity?.nodeId ?? expectedId ?? []);
  const ids = membership === null ? [nodeId, ...known] : memberIds(membership);
  return ids.map((id): ClusterNode => {
    const disk = membership === null ? null : boundIncarnation(membership, id);
    const isVoter = membership === null || disk !== null;
    if (id === nodeId) return { id, address: null, region: null, role, isVoter, isReached: true, lastHeardMs: null };
    const peer = peers.find(({ identity, expectedId }) => (identity?.nodeId ?? expectedId) === id);
    const hasDisk = disk === null || peer?.identity?.incarnation === disk;
    return {
      ...{ id, address: peer?.address ?? null, region: peer?.identity?.region ?? null },
      ...{ role: id === leaderId ? 'leader' : null, isVoter },
      ...{ isReached: peer?.state === 'connected' && hasDisk, lastHeardMs: peer?.lastHeardMs ?? null },
    };
  });
}
