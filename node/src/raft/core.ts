import type { MemberChange } from './change.ts';
import type { Message } from './messages.ts';
import type {
  Entry,
  HardState,
  Incarnation,
  LogPosition,
  Member,
  Membership,
  NodeId,
  PersistBatch,
  Role,
  SnapshotMetadata,
  Timings,
} from './types.ts';

/**
 * The contract of the consensus core: events in, effects out, nothing else. It reads no clock (the time comes with each
 * event), draws randomness only from `random`, and does no I/O: the host carries out the effects.
 */
export interface RaftOptions {
  readonly self: Member;
  /** How many members the list of the operator has, oneself included: the quorum until a membership entry says otherwise. */
  readonly listedSize: number;
  /** The cluster id this node writes into the first entry if it founds the cluster. */
  readonly proposedClusterId: string;
  /** Until a `timings` input says otherwise. */
  readonly timings: Timings;
  /** A voter that this node, as the leader, has not heard for so long is removed; Infinity: never. */
  readonly removeDeadAfterMs: number;
  /** Of the voters that could lead, one of the highest is preferred; 0 unless given. */
  readonly priority?: number;
  /** Lets leaders answer reads by a lease; the same on every node. Absent or null: no lease is asked, promised or held. */
  readonly lease?: LeaseOptions | null;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What storage recovered: the newest snapshot, null without one, and the log behind `base`, which must join on to it. */
  readonly snapshot: SnapshotMetadata | null;
  readonly hardState: HardState;
  readonly base: LogPosition;
  readonly entries: readonly Entry[];
  readonly limits: RaftLimits;
}

export interface LeaseOptions {
  /**
   * How far the clock of any member may run too fast or too slow, in millionths: an operator's claim that nothing here can check.
   * Beyond it, or where a clock stands still for a while (a suspended machine), a read by lease may be out of date.
   */
  readonly maxClockDriftPpm: number;
}

export interface RaftLimits {
  /** Bytes of entries in one append message; a larger single entry goes alone. */
  readonly maxAppendBytes: number;
  /** Bytes of entries sent to one peer and not yet acknowledged. */
  readonly maxInflightBytes: number;
  /** Bytes of entries the leader has appended and not yet committed; beyond, proposals are refused as busy. */
  readonly maxUncommittedBytes: number;
  /** Bytes of one proposal. */
  readonly maxProposalBytes: number;
  /** Bytes of entries kept before a snapshot when the log is compacted, for peers that lack only those. */
  readonly maxTrailingBytes: number;
}

export type RaftInput =
  | { readonly kind: 'tick' }
  /** `fromIncarnation` is what the handshake of the connection proved, not what the message claims. */
  | { readonly kind: 'message'; readonly message: Message; readonly fromIncarnation: Incarnation }
  /** A listed peer completed its handshake. `clusterId` is null while it has not been founded. */
  | {
      readonly kind: 'peerUp';
      readonly peer: Member;
      readonly clusterId: string | null;
      /** As the peer says of itself; 0 unless given. */
      readonly priority?: number;
    }
  | { readonly kind: 'peerDown'; readonly id: NodeId }
  /** After its `peerDown`: its address refuses connections, so its process has ended. */
  | { readonly kind: 'peerEnded'; readonly id: NodeId }
  /** Hand the leadership to this voter, or to the one that is furthest. */
  | { readonly kind: 'transfer'; readonly to: NodeId | null }
  /** Lead no more, although nobody takes over. */
  | { readonly kind: 'resign' }
  | { readonly kind: 'timings'; readonly timings: Timings }
  /** What must be applied for a read to see all that was committed before it; `readId` is used once. */
  | {
      readonly kind: 'read';
      readonly readId: number;
      /** A lease is enough, where there is one; else a quorum is asked all the same. */
      readonly byLease?: boolean;
    }
  /** Change who the members are; the outcome tells what became of the wish, the log what of the change. */
  | { readonly kind: 'change'; readonly changes: readonly MemberChange[] }
  | { readonly kind: 'propose'; readonly data: readonly Uint8Array[] }
  /** A snapshot that this node took (`snapshotAt`) is durable. */
  | { readonly kind: 'snapshotSaved'; readonly snapshot: SnapshotMetadata }
  /** A snapshot that a peer sent is durable, and the state machine has accepted it (raft.md S9). */
  | { readonly kind: 'snapshotInstalled'; readonly snapshot: SnapshotMetadata }
  /** The sending of a snapshot asked for by `sendSnapshots` is over, whether it arrived or not. */
  | { readonly kind: 'snapshotEnded'; readonly id: NodeId }
  /** Every batch up to and including this ticket is durable. */
  | { readonly kind: 'persisted'; readonly ticket: number };

export interface Effects {
  readonly persist: PersistBatch | null;
  /** Carry no promise about this node's disk; may leave at once, before or while `persist` is written. */
  readonly sendNow: readonly Message[];
  /** Votes and acknowledgements: may leave only when `persist` and every earlier batch are durable. */
  readonly sendAfterPersist: readonly Message[];
  /**
   * Newly committed entries, in order, each at most once per start of the core: those that a snapshot holds, recovered or
   * installed, are left out.
   */
  readonly committed: readonly Entry[];
  /** Peers that lack entries which are gone here: send each the newest durable snapshot, and say so when that has ended. */
  readonly sendSnapshots: readonly NodeId[];
  /** What happened, for logs and observers, in order. */
  readonly events: readonly RaftEvent[];
  /** Of `read` inputs, of this step or earlier ones: each is answered once, unless this node ends. */
  readonly reads: readonly ReadOutcome[];
  /** Of a `propose` input only. */
  readonly proposal: ProposalOutcome | null;
  /** Of a `change` input only. */
  readonly change: ChangeOutcome | null;
}

export type ChangeOutcome =
  /** Made once the first membership at `index` or later that is not a joint one is committed. */
  | { readonly accepted: true; readonly term: number; readonly index: number }
  | {
      readonly accepted: false;
      /**
       * inProgress: another change, an election or a transfer is not through yet. notCaughtUp: the learner lacks too much of the
       * log. quorumAtRisk: too few of the voters to be are alive. impossible: there is no such change.
       */
      readonly code: 'notLeader' | 'inProgress' | 'notCaughtUp' | 'quorumAtRisk' | 'impossible';
      readonly reason: string;
      readonly leaderId: NodeId | null;
    };

export type ProposalOutcome =
  | { readonly accepted: true; readonly term: number; readonly firstIndex: number }
  | {
      readonly accepted: false;
      /** `notReady`: this leader has committed nothing in its term yet. */
      readonly reason: 'notLeader' | 'notReady' | 'transferring' | 'busy' | 'tooLarge';
      readonly leaderId: NodeId | null;
    };

export type ReadOutcome =
  /** Whoever has applied `index` sees everything that was committed when the read arrived. */
  | { readonly readId: number; readonly accepted: true; readonly index: number }
  /** This node does not lead, or no longer. */
  | { readonly readId: number; readonly accepted: false; readonly leaderId: NodeId | null };

export type RaftEvent =
  | { readonly kind: 'roleChanged'; readonly role: Role; readonly term: number; readonly reason: string }
  | { readonly kind: 'leaderChanged'; readonly leaderId: NodeId | null; readonly term: number }
  | { readonly kind: 'electionWon'; readonly term: number; readonly votes: number; readonly needed: number }
  | {
      readonly kind: 'voteCast';
      readonly candidate: NodeId;
      readonly term: number;
      readonly granted: boolean;
      readonly reason: string;
    }
  | { readonly kind: 'membershipChanged'; readonly membership: Membership; readonly index: number }
  /** The leader removes a voter that it has not heard for `removeDeadAfterMs`. */
  | { readonly kind: 'deadRemoved'; readonly id: NodeId; readonly silentMs: number; readonly term: number }
  /** It is committed that this node is no member any more: it takes part in nothing, and should end. */
  | { readonly kind: 'removed'; readonly index: number; readonly term: number }
  | { readonly kind: 'transferStarted'; readonly to: NodeId; readonly term: number; readonly reason: string }
  /** Refused, or given up; this node goes on as before. */
  | { readonly kind: 'transferFailed'; readonly to: NodeId | null; readonly term: number; readonly reason: string }
  /** The log begins behind `baseIndex` now, for the snapshot at `snapshotIndex` is durable. */
  | { readonly kind: 'compacted'; readonly baseIndex: number; readonly snapshotIndex: number }
  | { readonly kind: 'snapshotNeeded'; readonly to: NodeId; readonly term: number; readonly snapshotIndex: number }
  /** `isStale`: this node had committed as much already. */
  | { readonly kind: 'snapshotInstalled'; readonly index: number; readonly term: number; readonly isStale: boolean }
  /** Of a leader: a peer has not answered for the shortest election timeout; it answers again. */
  | {
      readonly kind: 'heartbeatFailed' | 'heartbeatResumed';
      readonly id: NodeId;
      readonly term: number;
      readonly silentMs: number;
    }
  | { readonly kind: 'truncated'; readonly fromIndex: number; readonly term: number }
  | { readonly kind: 'peerRefused'; readonly id: NodeId; readonly reason: string };

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: number;
  readonly votedFor: NodeId | null;
  readonly leaderId: NodeId | null;
  readonly lastIndex: number;
  readonly commitIndex: number;
  /** The log begins behind this entry. */
  readonly baseIndex: number;
  /** Of the newest durable snapshot; 0 without one. */
  readonly snapshotIndex: number;
  /** Null until the first membership entry is in the log. */
  readonly membership: Membership | null;
  /** Of a leader: it has committed an entry of its own term. */
  readonly committedInTerm: boolean;
  readonly peers: readonly { readonly id: NodeId; readonly matchIndex: number; readonly lastHeardMs: number | null }[];
}

export interface RaftCore {
  /** Feeds one event at the monotonic instant `nowMs` (never before an earlier one). */
  step(input: RaftInput, nowMs: number): Effects;
  /** The instant at which the next `tick` is due; a later tick does no harm but delays. */
  deadlineMs(): number;
  status(): RaftStatus;
  /** What a snapshot of the state after entry `index` stands for; `index` is committed, and not before the log's base. */
  snapshotAt(index: number): SnapshotMetadata;
}
