/** A member's name; unique in a cluster and never given to another disk. */
export type NodeId = string;

/** Random number of a data directory: a member that comes back with another one has lost its disk and is not that member. */
export type Incarnation = string;

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

export type EntryKind = 'noop' | 'membership' | 'command';

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** A position in a log: what voters compare (Raft paper 5.4.1). */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** What must be on disk before any promise is sent (Raft paper, figure 2). */
export interface HardState {
  readonly term: number;
  readonly votedFor: NodeId | null;
  /** This node knows that the cluster is founded, whether its log shows it or not: it never founds another (ADR 0011). */
  readonly foundedElsewhere: boolean;
}

/** Of a node that has promised nothing yet. */
export const emptyHardState: HardState = { term: 0, votedFor: null, foundedElsewhere: false };

export interface Member {
  readonly id: NodeId;
  readonly incarnation: Incarnation;
}

/**
 * Members that decide by a majority of `voters.length + unmet`: a listed member that was not met yet counts in the size, never
 * in the tally.
 */
export interface VoterSet {
  readonly voters: readonly Member[];
  readonly unmet: number;
}

/** Who counts. Carried by entries of kind `membership`, effective when appended, rolled back when truncated. */
export interface Membership extends VoterSet {
  readonly clusterId: string;
  /**
   * Members that receive the log and count for nothing. By name alone: none of their promises matters, so the disk is bound with
   * the vote.
   */
  readonly learners: readonly NodeId[];
  /** Of a joint membership: the voters before the change, a majority of whom is needed too. Null: no change is under way. */
  readonly outgoing: VoterSet | null;
  /** host:port of each member that was added; the founders' are in the operator's list. */
  readonly addresses: Readonly<Record<NodeId, string>>;
}

/** What a snapshot stands for: the state after every entry up to and including `index` was applied, and who counted then. */
export interface SnapshotMetadata extends LogPosition {
  readonly membership: Membership;
  /** Index of the entry that brought this membership. */
  readonly membershipIndex: number;
}

/** One write: hard state, then a truncation, then a new base, then entries. The host reports it durable by its ticket. */
export interface PersistBatch {
  readonly ticket: number;
  readonly hardState: HardState | null;
  /** All entries with this index or a higher one are gone before `entries` are appended; null: nothing is truncated. */
  readonly truncateFrom: number | null;
  /**
   * The log begins behind this entry from now on: a durable snapshot holds what the entries up to it did. A log that ends before it is
   * empty then. Never without `hardState`, so that what is older than this batch can be forgotten altogether.
   */
  readonly base: LogPosition | null;
  readonly entries: readonly Entry[];
}

export interface Timings {
  readonly heartbeatMs: number;
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  /** About one round trip: what voters are apart in rank when the leader's process has ended, and wait before they try again. */
  readonly fastElectionStepMs: number;
}

/** The one place for timings (docs/settings.md). lan: one data centre; wan: regions of one continent or more. */
export const timingProfiles = {
  lan: { heartbeatMs: 50, electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300, fastElectionStepMs: 5 },
  wan: { heartbeatMs: 250, electionTimeoutMinMs: 2_500, electionTimeoutMaxMs: 5_000, fastElectionStepMs: 80 },
} as const satisfies Record<string, Timings>;
