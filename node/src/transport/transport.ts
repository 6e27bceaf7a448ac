import type { Message } from '../raft/messages.ts';
import type { Incarnation, NodeId } from '../raft/types.ts';

/** What a node says of itself when a connection opens, and what its peer believes only after the handshake. */
export interface PeerIdentity {
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  /** New with each start of the process. */
  readonly session: string;
  readonly clusterId: string | null;
  /** How many members its own list has. */
  readonly listedSize: number;
  readonly region: string;
  /** host:port of its HTTP API, for people and redirects. */
  readonly apiAddress: string;
  /** Of the voters that could lead, one of the highest is preferred; a whole number from 0 to 100. */
  readonly electionPriority: number;
  /** It generates load and wants no vote (CLUSTER_ROLE=learner): it founds nothing and is never promoted. */
  readonly isLearner: boolean;
}

/** One place of the operator's list: `[id=]host:port[/learner]`. */
export interface ListedPeer {
  readonly id: NodeId | null;
  readonly host: string;
  readonly port: number;
  /** Present where the list says that it has no vote. */
  readonly isLearner?: true;
}

/**
 * A piece of a snapshot's file, on a lane of its own: it waits until nothing else does. One without data at offset 0 asks how much of
 * the file the peer has.
 */
export interface SnapshotChunk {
  readonly kind: 'snapshotChunk';
  readonly index: number;
  readonly term: number;
  readonly fileBytes: number;
  readonly checksum: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface SnapshotAck {
  readonly kind: 'snapshotAck';
  readonly index: number;
  readonly checksum: number;
  /** How much of the file is here. */
  readonly offset: number;
  /** It is installed, or this node was further already. */
  readonly isDone: boolean;
  /** Why this node cannot take it. */
  readonly refusal: string | null;
}

export type PeerFrame =
  | SnapshotChunk
  | SnapshotAck
  | { readonly kind: 'raft'; readonly message: Message }
  | { readonly kind: 'request'; readonly requestId: number; readonly method: string; readonly body: Uint8Array }
  | { readonly kind: 'response'; readonly requestId: number; readonly body: Uint8Array }
  /** `code` is an ErrorCode of lib/errors.ts. */
  | { readonly kind: 'failure'; readonly requestId: number; readonly code: string; readonly message: string };

export interface TransportHandlers {
  /** Only of peers whose handshake is complete, in the order they were sent by that peer. */
  onFrame(from: PeerIdentity, frame: PeerFrame): void;
  /** Both directions are open. Called again with the new identity when a peer comes back. */
  onPeerUp(peer: PeerIdentity): void;
  /** `reason` names what happened: reset, refused, silent, closed. */
  onPeerDown(peer: PeerIdentity, reason: string): void;
  /** After its `onPeerDown`: its address refuses connections, so its process has ended. At most once until it is up again. */
  onPeerEnded(peer: PeerIdentity): void;
  /**
   * A peer that answers with another id, cluster, size or protocol than the list says, or fails to prove the secret; or, though
   * it may stay, with another address. That one is told again after each `onPeerUp`, as long as it is so.
   */
  onMismatch(problem: PeerProblem): void;
  /** What was told was met again: it is no news, and it is not over. Of a peer that is connected its status says so. */
  onMismatchAgain(problem: PeerProblem): void;
}

export interface PeerProblem {
  /** host:port as listed, or the remote address of a connection that came in. */
  readonly address: string;
  readonly reason: string;
}

export interface PeerStatus {
  readonly address: string;
  readonly expectedId: NodeId | null;
  /** Null until a handshake was completed. */
  readonly identity: PeerIdentity | null;
  readonly state: 'connecting' | 'connected' | 'refused';
  /** Of a peer that is connected: what its streams noticed, as long as they are open. */
  readonly problem: string | null;
  readonly lastHeardMs: number | null;
}

/** How the peer's monotonic clock relates to ours: peer = ours + offsetMs, give or take errorMs (half the round trip). */
export interface ClockOffset {
  readonly offsetMs: number;
  readonly errorMs: number;
  readonly roundTripMs: number;
}

/** Moves frames between the members of the list; keeps trying to reach those it has no connection to. */
export interface Transport {
  /** Listens and dials. Fails with ADDRESS_IN_USE or SETTINGS_INVALID. */
  start(handlers: TransportHandlers): Promise<void>;
  /** False: not connected, or the bound on queued bytes is reached; the frame was dropped (Raft repeats what matters). */
  send(to: NodeId, frame: PeerFrame): boolean;
  /** A member that the list does not name; it is dialled and let in from now on. One that the list names stays where it is. */
  addPeer(id: NodeId, address: string): void;
  /** Of one that was added: its connection ends, and it is let in no more. */
  dropPeer(id: NodeId): void;
  /** Where a member is now, while it is not connected: it is dialled there from now on. Nothing happens to one that is connected. */
  movePeer(id: NodeId, address: string): void;
  peers(): readonly PeerStatus[];
  /** Measured by four timestamps on the same stream, smallest round trip of the last samples; null until measured. */
  clockOffset(to: NodeId): ClockOffset | null;
  /** Drops the connection to a peer that may not take part (a wiped disk under an old id), and says why to both sides. */
  refuse(id: NodeId, reason: string): void;
  close(): Promise<void>;
}
