import type { Membership, NodeId } from '../raft/types.ts';
import type { ConsensusEvent } from './consensus.ts';
import type { Transport } from '../transport/transport.ts';

/**
 * Keeps the transport to the members that the log has added to those of the list. One that was removed is kept until its
 * connection ends: by it, it learns that it was.
 */
export class AddedPeers {
  readonly #self: NodeId;
  readonly #transport: Pick<Transport, 'addPeer' | 'dropPeer'>;
  readonly #added = new Map<NodeId, string>();
  readonly #connected = new Set<NodeId>();
  #wanted: Readonly<Record<NodeId, string>> = {};

  /** `membership`: what the log has at the start. */
  constructor(self: NodeId, transport: Pick<Transport, 'addPeer' | 'dropPeer'>, membership: Membership | null) {
    this.#self = self;
    this.#transport = transport;
    this.#follow(membership);
  }

  observe(event: ConsensusEvent): void {
    if (event.kind === 'peerUp') this.#connected.add(event.peer.nodeId);
    if (event.kind === 'raft' && event.event.kind === 'membershipChanged') this.#follow(event.event.membership);
    if (event.kind !== 'peerDown') return;
    this.#connected.delete(event.peer.nodeId);
    this.#dropIfGone(event.peer.nodeId);
  }

  /** The membership that counts now: a new one, or the one before, where the new one gave way to another leader's. */
  #follow(membership: Membership | null): void {
    this.#wanted = membership?.addresses ?? {};
    for (const [id, address] of Object.entries(this.#wanted)) {
      if (id === this.#self || this.#added.get(id) === address) continue;
      // Removed and added again, elsewhere.
      if (this.#added.has(id)) this.#transport.dropPeer(id);
      this.#added.set(id, address);
      this.#transport.addPeer(id, address);
    }
    for (const id of this.#added.keys()) this.#dropIfGone(id);
  }

  #dropIfGone(id: NodeId): void {
    if (this.#connected.has(id) || this.#wanted[id] !== undefined || !this.#added.delete(id)) return;
    this.#transport.dropPeer(id);
  }
}
