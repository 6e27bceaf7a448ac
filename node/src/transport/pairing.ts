import type { NodeId } from '../raft/types.ts';
import type { PeerFrame, PeerIdentity, TransportHandlers } from './transport.ts';

/** One admitted stream, seen from this node. */
export interface Link {
  readonly identity: PeerIdentity;
  /** What its handshake found that an operator should mend, though it keeps nobody apart. */
  readonly notice: string | null;
  /** Ends the stream; reports nothing back to the pairing. */
  close(reason: string): void;
}

/**
 * Frames a peer may send before we see its other stream open: it holds the pair for up while our half of the second
 * handshake is still on the way, which is one round trip. Raft repeats what is dropped beyond.
 */
const MAX_HELD_FRAMES = 64;

interface Pair {
  outbound: Link | null;
  inbound: Link | null;
  /** Both are open and belong to the same process. */
  up: PeerIdentity | null;
  held: PeerFrame[];
}

/**
 * Joins the two streams between this node and each peer, and tells when a peer is up and down. The loss of either stream
 * closes the other: so both nodes see the same thing, and nobody takes a half-open connection for a whole one (raft.md L7).
 */
export class PairTable {
  readonly #pairs = new Map<NodeId, Pair>();
  readonly #handlers: Pick<TransportHandlers, 'onFrame' | 'onPeerUp' | 'onPeerDown'>;

  constructor(handlers: Pick<TransportHandlers, 'onFrame' | 'onPeerUp' | 'onPeerDown'>) {
    this.#handlers = handlers;
  }

  outbound(id: NodeId): Link | null {
    return this.#pairs.get(id)?.outbound ?? null;
  }

  inbound(id: NodeId): Link | null {
    return this.#pairs.get(id)?.inbound ?? null;
  }

  /** Peers with at least one open stream. */
  get size(): number {
    return this.#pairs.size;
  }

  isUp(id: NodeId): boolean {
    return this.#pairs.get(id)?.up != null;
  }

  outboundOpened(link: Link): void {
    this.#opened(link, 'outbound');
  }

  /** Of the same process it replaces an earlier stream, whose end was not noticed yet. */
  inboundOpened(link: Link): void {
    this.#opened(link, 'inbound');
  }

  /** To be called once for each link that ended by itself; of one that was replaced it changes nothing. */
  closed(link: Link, reason: string): void {
    const pair = this.#pairs.get(link.identity.nodeId);
    if (pair === undefined) return;
    if (pair.outbound === link) pair.outbound = null;
    else if (pair.inbound === link) pair.inbound = null;
    else return;
    this.#takeDown(pair, reason);
    this.#forgetIfEmpty(link.identity.nodeId);
  }

  /** A frame that came in on an inbound link. */
  received(link: Link, frame: PeerFrame): void {
    const pair = this.#pairs.get(link.identity.nodeId);
    if (pair?.inbound !== link) return;
    if (pair.up !== null) this.#handlers.onFrame(pair.up, frame);
    else if (pair.held.length < MAX_HELD_FRAMES) pair.held.push(frame);
  }

  /** Ends both streams of a peer. */
  drop(id: NodeId, reason: string): void {
    const pair = this.#pairs.get(id);
    if (pair === undefined) return;
    const links = [pair.outbound, pair.inbound];
    pair.outbound = pair.inbound = null;
    for (const link of links) link?.close(reason);
    this.#takeDown(pair, reason);
    this.#forgetIfEmpty(id);
  }

  dropAll(reason: string): void {
    for (const id of [...this.#pairs.keys()]) this.drop(id, reason);
  }

  #opened(link: Link, side: 'outbound' | 'inbound'): void {
    const id = link.identity.nodeId;
    const pair = this.#pairs.get(id) ?? { outbound: null, inbound: null, up: null, held: [] };
    this.#pairs.set(id, pair);
    const replaced = pair[side];
    if (replaced !== null) {
      pair[side] = null;
      replaced.close('reset: replaced by a newer stream');
      this.#takeDown(pair, 'reset: replaced by a newer stream');
    }
    pair[side] = link;
    if (side === 'inbound') pair.held = [];
    this.#bringUp(pair);
  }

  #bringUp(pair: Pair): void {
    const { outbound, inbound } = pair;
    if (pair.up !== null || outbound === null || inbound === null) return;
    if (!isSameProcess(outbound.identity, inbound.identity)) return;
    const peer = outbound.identity;
    pair.up = peer;
    const held = pair.held;
    pair.held = [];
    this.#handlers.onPeerUp(peer);
    for (const frame of held) {
      // A handler may refuse the peer, or send something that ends the stream.
      if (pair.inbound !== inbound) return;
      this.#handlers.onFrame(peer, frame);
    }
  }

  #forgetIfEmpty(id: NodeId): void {
    const pair = this.#pairs.get(id);
    if (pair?.outbound === null && pair.inbound === null) this.#pairs.delete(id);
  }

  #takeDown(pair: Pair, reason: string): void {
    const peer = pair.up;
    if (peer === null) return;
    pair.up = null;
    pair.held = [];
    const others = [pair.outbound, pair.inbound];
    pair.outbound = pair.inbound = null;
    for (const link of others) link?.close(reason);
    this.#handlers.onPeerDown(peer, reason);
  }
}

export function isSameProcess(a: PeerIdentity, b: PeerIdentity): boolean {
  return a.nodeId === b.nodeId && a.incarnation === b.incarnation && a.session === b.session;
}
