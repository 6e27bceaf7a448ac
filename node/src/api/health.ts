import { whyNotConnected } from '../consensus/absent-peer.ts';
import type { ConsensusStatus } from '../consensus/consensus.ts';
import { missingMajority } from '../consensus/missing-majority.ts';
import type { ApiBackend } from './backend.ts';

export type NodeState = 'forming' | 'follower' | 'candidate' | 'leader';

/** forming until the first membership entry is in this node's log: before that there is no cluster to be a follower in. */
export function nodeState(status: ConsensusStatus): NodeState {
  if (status.membership === null) return 'forming';
  switch (status.role) {
    case 'leader':
      return 'leader';
    case 'follower':
      return 'follower';
    case 'candidate':
    case 'preCandidate':
      return 'candidate';
  }
}

export interface ClusterHealth {
  readonly state: NodeState;
  readonly node_id: string;
  readonly region: string;
  readonly leader_id: string | null;
  readonly term: number;
  /** Members, this node included: 1 until the cluster is founded. */
  readonly peers: number;
  /** A leader is known, and every listed member is connected and has the role that it wants: plan or not. */
  readonly cluster_formed: boolean;
  /** A run is on, and every node it was prepared on has acknowledged it. */
  readonly cluster_ready: boolean;
  readonly cluster_id: string | null;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly members: readonly {
    readonly id: string | null;
    readonly address: string | null;
    readonly connected: boolean;
    /** It is a voter, and the cluster knows its disk. */
    readonly bound: boolean;
    /** What it is in the log; null: no member, or none yet. */
    readonly role: 'voter' | 'learner' | null;
    /** Why it is not connected; null where it is. */
    readonly reason: string | null;
  }[];
  /**
   * What an operator must look at: a peer with another id, cluster, address or disk than expected; this node's plan file; last, that too few members
   * are reached for a leader, or to tell whether there is one.
   */
  readonly problems: readonly { readonly address: string; readonly reason: string }[];
}

export function clusterHealth(backend: ApiBackend): ClusterHealth {
  const status = backend.status();
  const voters = status.membership?.voters ?? [];
  const bound = (id: string | null): boolean => voters.some((voter) => voter.id === id);
  const learners = status.membership?.learners ?? [];
  const roleOf = (id: string | null): 'voter' | 'learner' | null =>
    bound(id) ? 'voter' : learners.some((learner) => learner === id) ? 'learner' : null;
  const peers = backend.peers();
  const noMajority = missingMajority(status, peers);
  const others = peers.map((peer) => {
    const id = peer.identity?.nodeId ?? peer.expectedId;
    const reason = whyNotConnected(peer);
    return { id, address: peer.address, connected: reason === null, bound: bound(id), role: roleOf(id), reason };
  });
  const isSettled = ({ identity }: (typeof peers)[number], role: 'voter' | 'learner' | null): boolean =>
    role === (identity?.isLearner === true ? 'learner' : 'voter');
  return {
    state: nodeState(status),
    node_id: status.nodeId,
    region: backend.region,
    leader_id: status.leaderId,
    term: status.term,
    peers: status.membership === null ? 1 : voters.length + learners.length + status.membership.unmet,
    cluster_formed:
      status.leaderId !== null &&
      status.membership?.unmet === 0 &&
      others.every((other, index) => other.connected && isSettled(peers[index]!, other.role)),
    // Of a run, only a leader can tell; what this node last heard of one may be over.
    cluster_ready: status.leaderId !== null && (backend.localRun()?.acknowledged ?? false),
    cluster_id: status.membership?.clusterId ?? null,
    commit_index: status.commitIndex,
    applied_index: status.appliedIndex,
    members: [
      {
        ...{ id: status.nodeId, address: null, connected: true, bound: bound(status.nodeId) },
        ...{ role: roleOf(status.nodeId), reason: null },
      },
      ...others,
    ],
    problems: noMajority === null ? status.problems : [...status.problems, noMajority],
  };
}

/** Ready to take requests: a leader is known, so whatever comes in can be answered or forwarded. */
export function readiness(status: ConsensusStatus): { readonly ready: boolean; readonly reason?: string } {
  if (status.membership === null)
    return { ready: false, reason: 'forming: waiting for a majority of the nodes that found the cluster' };
  if (status.leaderId === null) return { ready: false, reason: 'no leader is known' };
  return { ready: true };
}
