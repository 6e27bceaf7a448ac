import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { LeaseOptions, RaftCore, RaftLimits, RaftOptions } from '../raft/core.ts';
import type { Incarnation, NodeId, Timings } from '../raft/types.ts';
import type { LogStore } from '../storage/log-store.ts';
import type { PeerIdentity, Transport } from '../transport/transport.ts';
import type { SnapshotStore } from '../storage/snapshot-store.ts';
import type { StateMachine } from './consensus.ts';
import type { SnapshotPolicy } from './snapshots/policy.ts';

/** What a node says of itself to its peers; the cluster id is added by the host, once it is certain. */
export interface SelfDescription {
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  /** New with each start of the process. */
  readonly session: string;
  readonly region: string;
  readonly apiAddress: string;
  /** Of the voters that could lead, one of the highest is preferred; from 0 to 100, 0 unless given. */
  readonly electionPriority?: number;
  /** It wants no vote; whoever changes the members is told, and the core counts by the log alone. False unless given. */
  readonly isLearner?: boolean;
}

export interface ConsensusOptions<Result> {
  readonly self: SelfDescription;
  /** How many members the operator's list has, oneself included. */
  readonly listedSize: number;
  /** The list names other nodes, and this one waits to be added to their cluster: it founds none. */
  readonly joins?: boolean;
  /** Nodes that the transport's list does not name, by id, with their host:port: reached until the log says that they are no members. */
  readonly contacts?: Readonly<Record<NodeId, string>>;
  readonly store: LogStore;
  /** Makes the transport; `self` is asked at each handshake, because the cluster id becomes known later. */
  readonly transport: (self: () => PeerIdentity) => Transport;
  readonly stateMachine: StateMachine<Result>;
  /** For a state machine with `snapshot` and `restore`; without it the whole log is kept. */
  readonly snapshots?: { readonly store: SnapshotStore; readonly policy: SnapshotPolicy };
  /** `auto`: made for the slowest round trip that this member measures, and changed when that changes. */
  readonly timings: Timings | 'auto';
  readonly limits: RaftLimits;
  /** A leader removes a voter that it has not heard for so long. Never, unless given. */
  readonly removeDeadAfterMs?: number;
  /** Makes reads by lease possible; the same on every member. It costs elections that come within a lease their haste (ADR 48). */
  readonly lease?: LeaseOptions | null;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** The id of the cluster if this node is the one that founds it. */
  readonly proposedClusterId: string;
  /** The core to drive; the project's own unless a test scripts one. */
  readonly createCore?: (options: RaftOptions) => RaftCore;
  /** Runs the callback in a later turn, after pending input was read; setImmediate unless a simulation schedules. */
  readonly defer?: (callback: () => void) => void;
}

/** Bounds in bytes that suit entries from a few bytes to a megabyte (raft.md 0.9: bytes, not counts, for every limit). */
export const defaultRaftLimits: RaftLimits = {
  // Long enough to fill one system call many times over, short enough to let a heartbeat through between two of them.
  maxAppendBytes: 1024 * 1024,
  // 4 MiB in flight over 100 ms of round trip are 40 MB/s, more than the log is asked to carry.
  maxInflightBytes: 4 * 1024 * 1024,
  // What a leader without its quorum may hold before it says so.
  maxUncommittedBytes: 32 * 1024 * 1024,
  // One segment of the log on disk: what a peer misses within seconds under full load, or within hours at rest.
  maxTrailingBytes: 16 * 1024 * 1024,
  // A plan is at most 1 MiB and a second's merged measurements of all nodes fit several times.
  maxProposalBytes: 4 * 1024 * 1024,
};
