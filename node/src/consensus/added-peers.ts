import { memberIds } from '../raft/membership.ts';
import type { Membership, NodeId } from '../raft/types.ts';
import type { ConsensusEvent } from './consensus.ts';
import type { Transport } from '../transport/transport.ts';

type Addresses = Readonly<Record<NodeId, string>>;

/**
 * Keeps the transport to the members that the log has added to those of the list, and to the contacts, as long as these may be
 * members. One that was removed is kept until its connection ends: by it, it learns that it was.
 */
export class AddedPeers {
  readonly #self: NodeId;
  readonly #transport: Pick<Transport, 'addPeer' | 'dropPeer'>;
  readonly #added = new Map<NodeId, string>();
  readonly #connected = new Set<NodeId>();
  readonly #contacts: Addresses;
  #wanted: Addresses = {};

  /** `membership`: what the log has at the start. */
  constructor(
    self: NodeId,
    transport: Pick<Transport, 'addPeer' | 'dropPeer'>,
    membership: Membership | null,
    contacts: Addresses = {},
  ) {
    this.#self = self;
    this.#transport = transport;
    this.#contacts = contacts;
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
    this.#wanted = { ...this.#contactsIn(membership), ...membership?.addresses };
    for (const [id, address] of Object.entries(this.#wanted)) {
      if (id === this.#self || this.#added.get(id) === address) continue;
      // Removed and added again, elsewhere.
      if (this.#added.has(id)) this.#transport.dropPeer(id);
      this.#added.set(id, address);
      this.#transport.addPeer(id, address);
    }
    for (const id of this.#added.keys()) this.#dropIfGone(id);
  }

  /** While some were never met, nobody knows which of them the members are. */
  #contactsIn(membership: Membership | null): Addresses {
    if (membership === null || membership.unmet > 0) return this.#contacts;
    const ids = memberIds(membership);
    return Object.fromEntries(Object.entries(this.#contacts).filter(([id]) => ids.includes(id)));
  }

  #dropIfGone(id: NodeId): void {
    if (this.#connected.has(id) || this.#wanted[id] !== undefined || !this.#added.delete(id)) return;
    this.#transport.dropPeer(id);
  }
}
