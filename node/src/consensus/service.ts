import { majority, sizeOf } from '../raft/quorum.ts';
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
  /** This member is connected to it, or is it. */
  readonly isReached: boolean;
  readonly lastHeardMs: number | null;
}

export interface ClusterInfo {
  /** Null until the cluster is founded. */
  readonly id: string | null;
  readonly leader: NodeId | null;
  readonly term: number;
  readonly nodes: readonly ClusterNode[];
  /** With the listed members that were never met. */
  readonly totalNodes: number;
  readonly reachedNodes: number;
  /** Whether a majority is reached from here. */
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
  const { nodeId, role, term, leaderId, membership, listedSize, commitIndex, appliedIndex } = consensus.status();
  const peers = consensus.peers();
  const known = peers.flatMap(({ identity, expectedId }) => identity?.nodeId ?? expectedId ?? []);
  const ids = membership?.voters.map(({ id }) => id) ?? [nodeId, ...known];
  const nodes = ids.map((id): ClusterNode => {
    if (id === nodeId) return { id, address: null, region: null, role, isReached: true, lastHeardMs: null };
    const peer = peers.find(({ identity, expectedId }) => (identity?.nodeId ?? expectedId) === id);
    return {
      id,
      address: peer?.address ?? null,
      region: peer?.identity?.region ?? null,
      role: id === leaderId ? 'leader' : null,
      isReached: peer?.state === 'connected',
      lastHeardMs: peer?.lastHeardMs ?? null,
    };
  });
  const totalNodes = membership === null ? listedSize : sizeOf(membership);
  const reachedNodes = nodes.filter(({ isReached }) => isReached).length;
  return {
    ...{ id: membership?.clusterId ?? null, leader: leaderId, term, nodes, totalNodes, reachedNodes },
    ...{ hasQuorum: reachedNodes >= majority(totalNodes), commitIndex, appliedIndex },
  };
}
