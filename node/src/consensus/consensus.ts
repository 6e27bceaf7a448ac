import type { MemberChange } from '../raft/change.ts';
import type { Membership, NodeId, Role, Timings } from '../raft/types.ts';
import type { ClockOffset, PeerProblem, PeerStatus } from '../transport/transport.ts';
import type { EventFilter, ObservedEvent } from './observers.ts';
import type { ConsensusStats } from './stats.ts';

/**
 * The user's part: what a committed command does. `apply` is called in log order, once per entry and start, on every node.
 *
 * `snapshot` and `restore` go together; without them the whole log is kept and applied at each start, on every member. `restore`
 * gets what `snapshot` gave, here, in an earlier life or on another member, and replaces the whole state by it.
 */
export interface StateMachine<Result> {
  apply(command: Uint8Array, at: { readonly index: number; readonly term: number }): Result;
  /**
   * The state as it is now, in one piece or in several. The first is asked for at once, the others later, in turns of their own,
   * while commands go on being applied: all must be of the moment of the call. So a generator copies what changes in place
   * before it yields for the first time.
   */
  snapshot?(): Uint8Array | Iterable<Uint8Array>;
  /** Nothing is applied or read until it has ended. What it throws is fatal. */
  restore?(snapshot: Uint8Array): void | Promise<void>;
}

export interface ConsensusStatus {
  readonly nodeId: NodeId;
  readonly incarnation: string;
  readonly role: Role;
  readonly term: number;
  readonly leaderId: NodeId | null;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The last entry that the newest snapshot holds; 0 without one. */
  readonly snapshotIndex: number;
  readonly membership: Membership | null;
  readonly listedSize: number;
  /** In force now: with `auto` they follow the network. */
  readonly timings: Timings;
  /** Of a leader: the first entry of its own term is applied, so it knows all that was committed before. */
  readonly leading: boolean;
  /** Problems with peers that an operator must look at (wrong id or address, foreign cluster, wiped disk), newest last. */
  readonly problems: readonly PeerProblem[];
}

export type { ConsensusEvent } from './events.ts';
export type { ObservedEvent } from './observers.ts';

export type RequestHandler = (body: Uint8Array, from: NodeId) => Promise<Uint8Array>;

export interface ReadOptions {
  /**
   * `linearizable` unless given. `lease`: the same as long as the clocks keep the bound that the members were opened with, and without
   * the round trip to a majority while the leader holds a lease; fails with SETTINGS_INVALID where they were opened without one.
   * `stale`: at once, whatever this member has applied; nothing bounds how old that is.
   */
  readonly consistency?: 'linearizable' | 'lease' | 'stale';
}

/** A replicated state machine on this node, and a way to talk to the other members. */
export interface Consensus<Result> {
  status(): ConsensusStatus;
  /**
   * Appends a command and resolves with what `apply` returned, once committed and applied here. Rejects with NOT_LEADER,
   * BUSY (also of a leader that has committed nothing in its term yet), TOO_LARGE, SHUTTING_DOWN (nothing happened) or
   * OUTCOME_UNKNOWN (leadership was lost: it may yet commit).
   */
  propose(command: Uint8Array): Promise<{ readonly index: number; readonly result: Result }>;
  /**
   * Calls `look` once the state machine of this member has applied all that was committed, anywhere, before this call; resolves
   * with what it returns. On any member, at the cost of a round trip to the leader and one of the leader's (shared by all
   * reads of that moment), and of nothing on disk. Rejects with NOT_LEADER (nobody leads, or no longer), BUSY,
   * PEER_UNREACHABLE, PEER_LOST, TIMEOUT or SHUTTING_DOWN; a read may always be repeated. `options` ask for less.
   */
  read<Value>(look: () => Value, options?: ReadOptions): Promise<Value>;
  /**
   * Asks a member (oneself included) over the cluster's streams. Rejects with PEER_UNREACHABLE (nothing was sent), with PEER_LOST
   * or TIMEOUT (it may have done it), or with its error.
   */
  request(to: NodeId, method: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  handle(method: string, handler: RequestHandler): void;
  /**
   * Hands the leadership to this voter, or to the one that is furthest. Proposals are BUSY meanwhile, at most for an election
   * timeout. Resolves once another node leads; rejects with TRANSFER_FAILED, saying why, if this one does not lead or goes on.
   */
  transferLeadership(to?: NodeId): Promise<void>;
  /**
   * Changes who the members are, on the leader. Several changes are one: all of them or none, by joint consensus where they touch
   * more than one voter. Resolves once committed. Rejects with NOT_LEADER, CHANGE_IN_PROGRESS, NOT_CAUGHT_UP, QUORUM_AT_RISK,
   * CHANGE_IMPOSSIBLE or SHUTTING_DOWN (nothing happened), or OUTCOME_UNKNOWN (it may yet be made).
   */
  changeMembers(changes: readonly MemberChange[]): Promise<void>;
  /** Admits a node as a learner: it receives the log and counts for nothing. `address`: host:port, as the members reach it. */
  addNode(id: NodeId, address: string): Promise<void>;
  /** A learner becomes a voter, if it has the log. */
  promote(id: NodeId): Promise<void>;
  /** A voter becomes a learner; the leader itself hands over and goes on as one. */
  demote(id: NodeId): Promise<void>;
  /** A voter or learner, the leader too: it is told, and ends with REMOVED. */
  removeNode(id: NodeId): Promise<void>;
  /**
   * Takes a snapshot of what is applied here now, and lets the log before it go. Resolves once it is durable, with the index of its
   * last entry and its size on disk; rejects with what the state machine's `snapshot` threw, SHUTTING_DOWN, DISK_FAILED, or
   * SETTINGS_INVALID where the state machine has none.
   */
  snapshot(): Promise<{ readonly index: number; readonly fileBytes: number }>;
  /**
   * Ends the leadership of this member: by handing it over where anybody can take it, else by resigning, so that others may try for two
   * election timeouts. Resolves once it leads no more; rejects with NOT_LEADER if it did not.
   */
  stepDown(): Promise<void>;
  /**
   * Tells what happens from now on (and a `fatal` that happened before), all of it or what `filter` lets through. Listeners are
   * called within the step that the event is of: they must return at once, and must not throw, which is fatal.
   */
  subscribe(listener: (event: ObservedEvent) => void, filter?: EventFilter): () => void;
  /** Counted since this member was opened. */
  stats(): ConsensusStats;
  peers(): readonly PeerStatus[];
  /** A member is at another host:port than the log or the list says; it matters while it is not connected. */
  movePeer(id: NodeId, address: string): void;
  /** Of oneself: zero. */
  clockOffset(to: NodeId): ClockOffset | null;
  /** At once. A leader that ends in order calls `transferLeadership` first, so that the others need not notice its end. */
  close(): Promise<void>;
}
