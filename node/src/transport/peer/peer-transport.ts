import { randomBytes } from 'node:crypto';
import { invariant } from '../../lib/invariant.ts';
import type { NodeId } from '../../raft/types.ts';
import { addressKey, DEFAULT_CLUSTER_PORT, formatAddress, parseAddress } from '../addresses.ts';
import type { HandshakeSettings } from '../handshake.ts';
import { PairTable } from '../pairing.ts';
import { NONCE_BYTES } from '../proof.ts';
import type { ClockOffset, PeerFrame, PeerIdentity, PeerStatus, Transport, TransportHandlers } from '../transport.ts';
import { onAbsence } from './absence.ts';
import { Acceptor } from './acceptor.ts';
import { judgeAnswer, judgeClaim } from './claims.ts';
import { ConnectionLog } from './connection-log.ts';
import { Dialler } from './dialler.ts';
import type { InboundLink } from './inbound-link.ts';
import type { PeerTransportOptions } from './options.ts';
import type { OutboundLink } from './outbound-link.ts';
import { PeerProblems } from './peer-problems.ts';
import { type Place, Places } from './place.ts';
import type { Wire, WireKind } from './wire.ts';

/** How long the process that holds an id has to show that it lives, when another one claims the same id. */
const PROOF_OF_LIFE_MS = 500;

/**
 * The transport of a real cluster, over either wire: one stream dialled to each listed peer and one accepted from it
 * (proto/tutti/peer/v1/peer.proto). `peers()` are the others, in the order of the list.
 */
export class PeerTransport implements Transport {
  readonly #wire: Wire;
  readonly #options: PeerTransportOptions;
  readonly #selfAddress: string;
  readonly #places: Places<OutboundLink>;
  readonly #diallers = new Map<Place, Dialler>();
  /** Beyond the list. */
  readonly #added = new Map<NodeId, Place<OutboundLink>>();
  #isListening = false;
  readonly #acceptor: Acceptor;
  readonly #problems: PeerProblems;
  readonly #connections: ConnectionLog;
  #pairs: PairTable | null = null;
  #handlers: TransportHandlers | null = null;

  /** `kinds`: every kind there is, so that each can tell the diallers of the others. */
  constructor(wire: Wire, kinds: readonly WireKind[], options: PeerTransportOptions) {
    this.#wire = wire;
    this.#options = options;
    const { listed, selfIndex } = options;
    const own = typeof selfIndex === 'number' ? listed[selfIndex] : selfIndex;
    invariant(own !== undefined, 'the list has this node');
    this.#selfAddress = formatAddress(own.host, own.port);
    this.#places = new Places(listed.filter((_, index) => index !== selfIndex));
    this.#connections = new ConnectionLog(options.log, options.clock);
    this.#problems = new PeerProblems(this.#places, {
      write: ({ address, reason }) => options.log.warn({ peer: address }, reason),
      tell: (problem) => this.#handlers?.onMismatch(problem),
      tellAgain: (problem) => this.#handlers?.onMismatchAgain(problem),
    });
    for (const place of this.#places.all) this.#diallers.set(place, this.#diallerOf(place));
    this.#acceptor = this.#createAcceptor(kinds.filter((kind) => kind !== wire.kind));
  }

  async start(handlers: TransportHandlers): Promise<void> {
    const { bind } = this.#options;
    this.#handlers = handlers;
    this.#pairs = new PairTable({
      onFrame: (from, frame) => handlers.onFrame(from, frame),
      onPeerUp: (peer) => this.#up(peer),
      onPeerDown: (peer, reason) => this.#down(peer, reason),
    });
    await this.#acceptor.listen(bind.host, bind.port);
    this.#isListening = true;
    for (const dialler of this.#diallers.values()) dialler.start();
  }

  send(to: NodeId, frame: PeerFrame): boolean {
    if (this.#pairs?.isUp(to) !== true) return false;
    return this.#places.named(to)?.outbound?.send(frame) ?? false;
  }

  addPeer(id: NodeId, address: string): void {
    const parsed = parseAddress(address, DEFAULT_CLUSTER_PORT);
    invariant(typeof parsed !== 'string', `the address of ${id} was checked before it came into the log`);
    if (id === this.#options.self().nodeId || this.#places.named(id) !== undefined) return;
    const place = this.#places.add({ id, ...parsed });
    const dialler = this.#diallerOf(place);
    this.#added.set(id, place);
    this.#diallers.set(place, dialler);
    if (this.#isListening) dialler.start();
  }

  dropPeer(id: NodeId): void {
    const place = this.#added.get(id);
    if (place === undefined) return;
    this.#added.delete(id);
    this.#diallers.get(place)?.stop();
    this.#diallers.delete(place);
    this.#pairs?.drop(id, 'closed: it is no member any more');
    this.#places.remove(place);
  }

  movePeer(id: NodeId, address: string): void {
    const parsed = parseAddress(address, DEFAULT_CLUSTER_PORT);
    const place = this.#places.named(id);
    if (typeof parsed === 'string' || place === undefined || place.outbound !== null) return;
    if (addressKey(parsed.host, parsed.port) === addressKey(place.listed.host, place.listed.port)) return;
    this.#diallers.get(place)?.stop();
    this.#diallers.delete(place);
    const moved = this.#places.replace(place, { id: place.listed.id, ...parsed });
    if (this.#added.get(id) === place) this.#added.set(id, moved);
    const dialler = this.#diallerOf(moved);
    this.#diallers.set(moved, dialler);
    if (this.#isListening) dialler.start();
  }

  peers(): readonly PeerStatus[] {
    return this.#places.all.map((place) => place.status(this.#isUp(place)));
  }

  clockOffset(to: NodeId): ClockOffset | null {
    return this.#places.named(to)?.outbound?.clockOffset.best() ?? null;
  }

  refuse(id: NodeId, reason: string): void {
    const sentence = `node "${this.#options.self().nodeId}" refuses node "${id}": ${reason}`;
    const place = this.#places.named(id);
    // Said on both streams before either ends, as the end of one makes the peer drop the other.
    (this.#pairs?.inbound(id) as InboundLink | null | undefined)?.refuse(sentence);
    place?.outbound?.refuse(sentence);
    this.#pairs?.drop(id, `refused: ${sentence}`);
    if (place === undefined) this.#problems.found({ id, address: null }, id, sentence);
    else this.#problems.foundAt(place, sentence);
  }

  async close(): Promise<void> {
    this.#isListening = false;
    this.#pairs?.dropAll('closed: this node is shutting down');
    this.#connections.close();
    for (const dialler of this.#diallers.values()) dialler.stop();
    await this.#acceptor.close();
  }

  #createAcceptor(foreign: readonly WireKind[]): Acceptor {
    const { clock, security } = this.#options;
    return new Acceptor(
      {
        wire: this.#wire,
        foreign,
        tls: security.tls,
        clock,
        handshake: () => this.#handshake(),
        list: {
          idAt: (address) => this.#places.idAt(address),
          addressesOf: (id) => this.#places.possibleFor(id).map(({ address }) => address),
          idsOn: (host) => this.#places.idsOn(host),
        },
      },
      {
        judge: (peer, remote) => this.#judgeInbound(peer, remote),
        onOpen: (link) => {
          this.#problems.heed('inbound', link, this.#places.possibleFor(link.identity.nodeId)[0]);
          this.#pairs?.inboundOpened(link);
        },
        onFrame: (link, frame) => this.#pairs?.received(link, frame),
        onClosed: (link, reason) => this.#pairs?.closed(link, reason),
        onRefused: (link, reason) => {
          this.#problems.found({ id: link.identity.nodeId, address: null }, link.remote, reason);
          this.#pairs?.closed(link, `refused: ${reason}`);
        },
        onProblem: (remote, reason, claimed) => this.#problems.found(claimed, remote, reason),
      },
    );
  }

  #diallerOf(place: Place<OutboundLink>): Dialler {
    const { clock, random, security } = this.#options;
    return new Dialler(
      {
        wire: this.#wire,
        peer: place.listed,
        tls: security.tls,
        clock,
        random: random ?? Math.random,
        handshake: () => this.#handshake(),
      },
      {
        judge: (peer) => judgeAnswer(this.#places, place, peer),
        onOpen: (link) => this.#dialled(place, link),
        onClosed: (link, reason) => {
          place.hungUp();
          this.#pairs?.closed(link, reason);
        },
        onRefused: (reason) => this.#problems.foundAt(place, reason),
        onFailed: (reason, isAbsent) => {
          place.failed(reason);
          if (place.dialledBy !== null) this.#problems.goesOn(place, this.#pairs?.inbound(place.dialledBy));
          if (isAbsent) this.#ended(place);
        },
      },
    );
  }

  #handshake(): HandshakeSettings {
    const { self, security } = this.#options;
    return {
      self: self(),
      selfAddress: this.#selfAddress,
      secret: security.secret,
      nonce: randomBytes(NONCE_BYTES),
    };
  }

  #dialled(place: Place<OutboundLink>, link: OutboundLink): void {
    place.dialled(link);
    this.#problems.heed('outbound', link, place);
    this.#pairs?.outboundOpened(link);
  }

  #up(peer: PeerIdentity): void {
    const place = this.#places.named(peer.nodeId);
    invariant(place !== undefined, `node "${peer.nodeId}" that is up was dialled at a listed address`);
    place.up(this.#options.clock.nowMs());
    this.#connections.connected(peer.nodeId, place.address);
    this.#handlers?.onPeerUp(peer);
    this.#problems.remind(place, [this.#pairs?.outbound(peer.nodeId), this.#pairs?.inbound(peer.nodeId)]);
  }

  #down(peer: PeerIdentity, reason: string): void {
    const place = this.#places.named(peer.nodeId);
    if (place !== undefined) this.#problems.wasUp(place, this.#options.clock.nowMs());
    this.#connections.lost(peer.nodeId, reason);
    place?.wentDown(peer, reason);
    this.#handlers?.onPeerDown(peer, reason);
    if (place !== undefined) onAbsence(place.listed.host, place.listed.port, () => this.#ended(place));
  }

  #ended(place: Place): void {
    const ended = place.takeEnded();
    if (ended !== null) this.#handlers?.onPeerEnded(ended);
  }

  /** A sentence to refuse the peer with that dialled us, or null. */
  async #judgeInbound(peer: PeerIdentity, remote: string): Promise<string | null> {
    const earlier = (this.#pairs?.inbound(peer.nodeId) ?? null) as InboundLink | null;
    const verdict = judgeClaim(this.#places, {
      self: this.#options.self().nodeId,
      claimant: { identity: peer, remote },
      earlier,
      openPeers: this.#pairs?.size ?? 0,
    });
    switch (verdict.kind) {
      case 'admit':
        return null;
      case 'refuse':
        return verdict.reason;
      case 'refuseEarlier':
        if (earlier !== null) this.#refuseImpostor(earlier, verdict.reason);
        return null;
      case 'refuseIfAlive':
        if (await this.#places.named(peer.nodeId)?.outbound?.isAlive(PROOF_OF_LIFE_MS)) return verdict.reason;
        // The old process is gone, though nothing told us; the new one takes its place.
        this.#pairs?.drop(peer.nodeId, 'reset: the peer was restarted');
        return null;
    }
  }

  #refuseImpostor(link: InboundLink, reason: string): void {
    link.refuse(reason);
    this.#pairs?.closed(link, `refused: ${reason}`);
    this.#problems.found({ id: null, address: null }, link.remote, reason);
  }

  #isUp({ outbound }: Place): boolean {
    return outbound !== null && this.#pairs?.isUp(outbound.identity.nodeId) === true;
  }
}
