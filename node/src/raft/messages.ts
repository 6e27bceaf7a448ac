import type { Entry, NodeId } from './types.ts';

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; of a pre-vote request, the term it would campaign for. */
  readonly term: number;
}

export interface VoteRequest extends Envelope {
  readonly kind: 'voteRequest';
  readonly preVote: boolean;
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
  /** The leader asked for this election, so that it lives is no reason to refuse. */
  readonly transfer: boolean;
}

/** Of a leader that hands over: campaign now. */
export interface TimeoutNow extends Envelope {
  readonly kind: 'timeoutNow';
  /** Where the leader's log, and so the receiver's, ended when this was sent. */
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
}

export interface VoteResponse extends Envelope {
  readonly kind: 'voteResponse';
  readonly preVote: boolean;
  /** The term that was asked for: a late answer must not count in another election. */
  readonly requestTerm: number;
  readonly granted: boolean;
  /** Why not, for the log line of the candidate. */
  readonly reason: string;
}

export interface AppendRequest extends Envelope {
  readonly kind: 'appendRequest';
  readonly prevLogIndex: number;
  readonly prevLogTerm: number;
  readonly entries: readonly Entry[];
  readonly commitIndex: number;
}

export interface AppendResponse extends Envelope {
  readonly kind: 'appendResponse';
  readonly success: boolean;
  /** On success: the last index known to match and durable. On failure: the prevLogIndex that was refused. */
  readonly index: number;
  /** On failure: the follower's best guess where the logs agree (last index of a term not above the refused one). */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

export interface Heartbeat extends Envelope {
  readonly kind: 'heartbeat';
  /** Never above what the leader knows the receiver to hold (etcd-io/raft sendHeartbeat; raft.md R3). */
  readonly commitIndex: number;
  /** Numbered rounds: an answer confirms leadership only for rounds begun before it was sent. */
  readonly round: number;
  /** How long the receiver is asked to keep from elections, so that reads need no round; 0: not at all. */
  readonly leaseMs: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly kind: 'heartbeatResponse';
  readonly round: number;
  /** How long the sender keeps from elections, from before it sent this; 0: not at all. */
  readonly leaseMs: number;
}

export type Message =
  VoteRequest | VoteResponse | TimeoutNow | AppendRequest | AppendResponse | Heartbeat | HeartbeatResponse;
