import type { NodeId } from '../../raft/types.ts';
import type {
  ClockOffset,
  PeerFrame,
  PeerIdentity,
  PeerProblem,
  PeerStatus,
  Transport,
  TransportHandlers,
} from '../transport.ts';

/** What a transport asks of the hub it hangs on. */
export interface Hub {
  join(member: MemoryTransport): void;
  leave(member: MemoryTransport): void;
  others(id: NodeId): MemoryTransport[];
  send(from: NodeId, to: NodeId, frame: PeerFrame): boolean;
  refuse(by: MemoryTransport, id: NodeId, reason: string): void;
  /** Why these two may not connect; null: they may. */
  problem(a: PeerIdentity, b: PeerIdentity): string | null;
  delayMs(from: NodeId, to: NodeId): number;
}

/** One member's end of a MemoryNetwork. */
export class MemoryTransport implements Transport {
  readonly identity: () => PeerIdentity;
  readonly id: NodeId;
  readonly #network: Hub;
  readonly #nowMs: () => number;
  readonly #up = new Map<NodeId, PeerIdentity>();
  readonly #lastHeardMs = new Map<NodeId, number>();
  #handlers: TransportHandlers | null = null;

  constructor(network: Hub, identity: () => PeerIdentity, nowMs: () => number) {
    this.#network = network;
    this.identity = identity;
    this.id = identity().nodeId;
    this.#nowMs = nowMs;
  }

  start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#network.join(this);
    return Promise.resolve();
  }

  send(to: NodeId, frame: PeerFrame): boolean {
    return this.#up.has(to) && this.#network.send(this.id, to, frame);
  }

  // There is no list: every transport of the network is reached.
  addPeer(): void {}

  dropPeer(): void {}

  movePeer(): void {}

  peers(): readonly PeerStatus[] {
    return this.#network.others(this.id).map((peer) => {
      const identity = this.#up.get(peer.id) ?? null;
      const problem = this.#network.problem(this.identity(), peer.identity());
      const state = identity !== null ? 'connected' : problem !== null ? 'refused' : 'connecting';
      const lastHeardMs = this.#lastHeardMs.get(peer.id) ?? null;
      return { address: peer.id, expectedId: peer.id, identity, state, problem, lastHeardMs };
    });
  }

  /** All share one clock here; the error is what the delays would make of it. */
  clockOffset(to: NodeId): ClockOffset | null {
    if (!this.#up.has(to)) return null;
    const roundTripMs = this.#network.delayMs(this.id, to) + this.#network.delayMs(to, this.id);
    return { offsetMs: 0, errorMs: roundTripMs / 2, roundTripMs };
  }

  refuse(id: NodeId, reason: string): void {
    this.#network.refuse(this, id, reason);
  }

  close(): Promise<void> {
    if (this.#handlers !== null) this.#network.leave(this);
    this.#handlers = null;
    this.#up.clear();
    return Promise.resolve();
  }

  peerUp(peer: PeerIdentity): void {
    this.#up.set(peer.nodeId, peer);
    this.#lastHeardMs.set(peer.nodeId, this.#nowMs());
    this.#handlers?.onPeerUp(peer);
  }

  peerDown(id: NodeId, reason: string): void {
    const peer = this.#up.get(id);
    if (peer === undefined) return;
    this.#up.delete(id);
    this.#handlers?.onPeerDown(peer, reason);
  }

  peerEnded(peer: PeerIdentity): void {
    this.#handlers?.onPeerEnded(peer);
  }

  frame(from: PeerIdentity, frame: PeerFrame): void {
    this.#lastHeardMs.set(from.nodeId, this.#nowMs());
    this.#handlers?.onFrame(from, frame);
  }

  mismatch(problem: PeerProblem): void {
    this.#handlers?.onMismatch(problem);
  }
}
