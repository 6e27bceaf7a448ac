import type { Membership, NodeId } from '../raft/types.ts';
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

  constructor(self: NodeId, transport: Pick<Transport, 'addPeer' | 'dropPeer'>) {
    this.#self = self;
    this.#transport = transport;
  }

  /** The membership that counts now: a new one, or the one before, where the new one gave way to another leader's. */
  follow(membership: Membership | null): void {
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

  up(id: NodeId): void {
    this.#connected.add(id);
  }

  down(id: NodeId): void {
    this.#connected.delete(id);
    this.#dropIfGone(id);
  }

  #dropIfGone(id: NodeId): void {
    if (this.#connected.has(id) || this.#wanted[id] !== undefined || !this.#added.delete(id)) return;
    this.#transport.dropPeer(id);
  }
}
