import { randomBytes } from 'node:crypto';
import { invariant } from '../../lib/invariant.ts';
import type { NodeId } from '../../raft/types.ts';
import { addressKey, formatAddress } from '../addresses.ts';
import { STEADY_AFTER_MS } from '../backoff.ts';
import type { HandshakeSettings } from '../handshake.ts';
import { isSameProcess, PairTable, type Link } from '../pairing.ts';
import { ProblemReporter } from '../problems.ts';
import { NONCE_BYTES } from '../proof.ts';
import type {
  ClockOffset,
  ListedPeer,
  PeerFrame,
  PeerIdentity,
  PeerProblem,
  PeerStatus,
  Transport,
  TransportHandlers,
} from '../transport.ts';
import { Acceptor } from './acceptor.ts';
import { Dialler } from './dialler.ts';
import type { InboundLink } from './inbound-link.ts';
import type { PeerTransportOptions } from './options.ts';
import type { OutboundLink } from './outbound-link.ts';
import { remoteHost } from './remote.ts';
import type { Wire, WireKind } from './wire.ts';

/** How long the process that holds an id has to show that it lives, when another one claims the same id. */
const PROOF_OF_LIFE_MS = 500;

/** Open peers for each place of the list: its own, and one under a wrong id that is still to be found out. */
const MAX_CROWD = 2;

/** A listed peer, as far as we got with it. */
interface Place {
  readonly listed: ListedPeer;
  readonly address: string;
  readonly dialler: Dialler;
  outbound: OutboundLink | null;
  identity: PeerIdentity | null;
  problem: string | null;
  isRefused: boolean;
  lastHeardMs: number | null;
  upSinceMs: number;
  /** Of the last stream in each direction. */
  readonly notices: { inbound: string | null; outbound: string | null };
}

/**
 * The transport of a real cluster, over either wire: one stream dialled to each listed peer and one accepted from it
 * (proto/tutti/peer/v1/peer.proto). `peers()` are the others, in the order of the list.
 */
export class PeerTransport implements Transport {
  readonly #wire: Wire;
  readonly #options: PeerTransportOptions;
  readonly #selfAddress: string;
  readonly #places: readonly Place[];
  readonly #acceptor: Acceptor;
  readonly #reporter: ProblemReporter;
  #pairs: PairTable | null = null;
  #handlers: TransportHandlers | null = null;

  /** `kinds`: every kind there is, so that each can tell the diallers of the others. */
  constructor(wire: Wire, kinds: readonly WireKind[], options: PeerTransportOptions) {
    this.#wire = wire;
    this.#options = options;
    const own = options.listed[options.selfIndex];
    invariant(own !== undefined, `element ${options.selfIndex} of the list exists`);
    this.#selfAddress = formatAddress(own.host, own.port);
    this.#reporter = new ProblemReporter((problem) => this.#report(problem));
    this.#places = options.listed.filter((_, index) => index !== options.selfIndex).map((peer) => this.#placeOf(peer));
    this.#acceptor = new Acceptor(
      {
        wire,
        foreign: kinds.filter((kind) => kind !== wire.kind),
        tls: options.security.tls,
        clock: options.clock,
        handshake: () => this.#handshake(),
        list: {
          idAt: (address) => this.#places.find((place) => isAt(place, address))?.listed.id ?? null,
          addressesOf: (id) => this.#placesFor(id).map(({ address }) => address),
        },
      },
      {
        judge: (peer, remote) => this.#judgeInbound(peer, remote),
        onOpen: (link) => {
          this.#heed('inbound', link, this.#placesFor(link.identity.nodeId)[0]);
          this.#pairs?.inboundOpened(link);
        },
        onFrame: (link, frame) => this.#pairs?.received(link, frame),
        onClosed: (link, reason) => this.#pairs?.closed(link, reason),
        onRefused: (link, reason) => {
          this.#problemWith(link.identity.nodeId, link.remote, reason);
          this.#pairs?.closed(link, `refused: ${reason}`);
        },
        onProblem: (remote, reason, claimedId) => this.#problemWith(claimedId, remote, reason),
      },
    );
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
    for (const { dialler } of this.#places) dialler.start();
  }

  send(to: NodeId, frame: PeerFrame): boolean {
    if (this.#pairs?.isUp(to) !== true) return false;
    return this.#placeNamed(to)?.outbound?.send(frame) ?? false;
  }

  peers(): readonly PeerStatus[] {
    return this.#places.map((place) => ({
      address: place.address,
      expectedId: place.listed.id,
      identity: place.identity,
      state: this.#isUp(place) ? 'connected' : place.isRefused ? 'refused' : 'connecting',
      problem: place.problem,
      lastHeardMs: place.outbound?.lastHeardMs ?? place.lastHeardMs,
    }));
  }

  clockOffset(to: NodeId): ClockOffset | null {
    return this.#placeNamed(to)?.outbound?.clockOffset.best() ?? null;
  }

  refuse(id: NodeId, reason: string): void {
    const sentence = `node "${this.#options.self().nodeId}" refuses node "${id}": ${reason}`;
    const place = this.#placeNamed(id);
    // Said on both streams before either ends, as the end of one makes the peer drop the other.
    (this.#pairs?.inbound(id) as InboundLink | null | undefined)?.refuse(sentence);
    place?.outbound?.refuse(sentence);
    this.#pairs?.drop(id, `refused: ${sentence}`);
    if (place === undefined) this.#reporter.report(id, sentence);
    else this.#problemAt(place, sentence);
  }

  async close(): Promise<void> {
    this.#pairs?.dropAll('closed: this node is shutting down');
    for (const { dialler } of this.#places) dialler.stop();
    await this.#acceptor.close();
  }

  #placeOf(listed: ListedPeer): Place {
    const { clock, random, security } = this.#options;
    const dialler = new Dialler(
      {
        wire: this.#wire,
        peer: listed,
        tls: security.tls,
        clock,
        random: random ?? Math.random,
        handshake: () => this.#handshake(),
      },
      {
        judge: (peer) => this.#judgeOutbound(place, peer),
        onOpen: (link) => this.#dialled(place, link),
        onClosed: (link, reason) => {
          this.#hangUp(place);
          this.#pairs?.closed(link, reason);
        },
        onRefused: (reason) => this.#problemAt(place, reason),
        onFailed: (reason) => {
          place.problem = reason;
          place.isRefused = false;
        },
      },
    );
    const address = formatAddress(listed.host, listed.port);
    const place: Place = {
      listed,
      address,
      dialler,
      outbound: null,
      identity: null,
      problem: null,
      isRefused: false,
      lastHeardMs: null,
      upSinceMs: 0,
      notices: { inbound: null, outbound: null },
    };
    return place;
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

  #dialled(place: Place, link: OutboundLink): void {
    place.outbound = link;
    place.identity = link.identity;
    this.#heed('outbound', link, place);
    this.#pairs?.outboundOpened(link);
  }

  /** A notice is logged once, however often the peer comes back with it, until it came without. */
  #heed(side: keyof Place['notices'], { notice }: Link, place: Place | undefined): void {
    if (place === undefined) return;
    const isNews = notice !== null && notice !== place.notices[side];
    place.notices[side] = notice;
    if (isNews) this.#report({ address: place.address, reason: notice });
  }

  #report(problem: PeerProblem): void {
    this.#options.log.warn({ peer: problem.address }, problem.reason);
    this.#handlers?.onMismatch(problem);
  }

  #hangUp(place: Place): void {
    place.lastHeardMs = place.outbound?.lastHeardMs ?? place.lastHeardMs;
    place.outbound = null;
  }

  #up(peer: PeerIdentity): void {
    const place = this.#placeNamed(peer.nodeId);
    invariant(place !== undefined, `node "${peer.nodeId}" that is up was dialled at a listed address`);
    place.problem = null;
    place.isRefused = false;
    place.upSinceMs = this.#options.clock.nowMs();
    this.#options.log.info({ peer: peer.nodeId, address: place.address }, 'connected');
    this.#handlers?.onPeerUp(peer);
    // A peer that is up counts as repaired, but of what was noticed on its streams nothing is.
    for (const link of [this.#pairs?.outbound(peer.nodeId), this.#pairs?.inbound(peer.nodeId)]) {
      if (link?.notice != null) this.#handlers?.onMismatch({ address: place.address, reason: link.notice });
    }
  }

  #down(peer: PeerIdentity, reason: string): void {
    const place = this.#placeNamed(peer.nodeId);
    const { clock, log } = this.#options;
    // A peer that is refused as soon as it is up is still the same problem.
    if (place !== undefined && clock.nowMs() - place.upSinceMs >= STEADY_AFTER_MS) this.#reporter.gone(place.address);
    log.info({ peer: peer.nodeId }, `lost: ${reason}`);
    this.#handlers?.onPeerDown(peer, reason);
  }

  #judgeOutbound(place: Place, peer: PeerIdentity): string | null {
    const other = this.#placeNamed(peer.nodeId);
    if (other === undefined || other === place) return null;
    return `${place.address} answers as "${peer.nodeId}", but that is the node at ${other.address}`;
  }

  /** Whether the process that dials us is the one that answers at its listed address. */
  async #judgeInbound(peer: PeerIdentity, remote: string): Promise<string | null> {
    const outbound = this.#placeNamed(peer.nodeId)?.outbound ?? null;
    if (outbound === null) return this.#judgeStranger(peer, remote);
    const place = this.#placeNamed(peer.nodeId);
    if (isSameProcess(outbound.identity, peer)) {
      this.#refuseImpostor(peer, place?.address ?? '');
      return null;
    }
    if (!(await outbound.isAlive(PROOF_OF_LIFE_MS))) {
      // The old process is gone, though nothing told us; the new one takes its place.
      this.#pairs?.drop(peer.nodeId, 'reset: the peer was restarted');
      return null;
    }
    return twoProcesses(outbound.identity, place?.address ?? '', peer, remote);
  }

  /** A stream from another process under this peer's id that came before the peer itself. */
  #refuseImpostor(peer: PeerIdentity, address: string): void {
    const other = this.#pairs?.inbound(peer.nodeId) as InboundLink | null | undefined;
    if (other == null || isSameProcess(other.identity, peer)) return;
    const reason = twoProcesses(peer, address, other.identity, other.remote);
    other.refuse(reason);
    this.#pairs?.closed(other, `refused: ${reason}`);
    this.#problemWith(null, other.remote, reason);
  }

  #judgeStranger(peer: PeerIdentity, remote: string): string | null {
    const names = this.#places.map(({ listed, outbound }) => listed.id ?? outbound?.identity.nodeId ?? null);
    if (names.includes(peer.nodeId)) return null;
    if (names.includes(null)) return this.#judgeCrowd(peer, remote);
    const listed = names.map((name) => `"${String(name)}"`).join(', ');
    return `node "${peer.nodeId}" (connected from ${remoteHost(remote)}) is not in the list of node "${this.#options.self().nodeId}": ${listed}`;
  }

  /** The list names no ids, so anybody may be the peer we have not reached yet; but there are only so many of those. */
  #judgeCrowd(peer: PeerIdentity, remote: string): string | null {
    if ((this.#pairs?.size ?? 0) < MAX_CROWD * this.#places.length) return null;
    return `node "${peer.nodeId}" (connected from ${remoteHost(remote)}): more nodes dial "${this.#options.self().nodeId}" than its list has`;
  }

  #problemWith(id: NodeId | null, remote: string, reason: string): void {
    const place = id === null ? undefined : this.#placeNamed(id);
    if (place === undefined) this.#reporter.report(remoteHost(remote), reason);
    else this.#problemAt(place, reason);
  }

  #problemAt(place: Place, reason: string): void {
    place.problem = reason;
    place.isRefused = true;
    this.#reporter.report(place.address, reason);
  }

  #isUp(place: Place): boolean {
    return place.outbound !== null && this.#pairs?.isUp(place.outbound.identity.nodeId) === true;
  }

  /** Where a node of this id belongs: one place, or those that nobody has proven yet where the list names no ids. */
  #placesFor(id: NodeId): readonly Place[] {
    const named = this.#placeNamed(id);
    if (named !== undefined) return [named];
    return this.#places.filter(({ listed, outbound }) => listed.id === null && outbound === null);
  }

  /** The listed peer with this id: by what it proved, else by what the list says. */
  #placeNamed(id: NodeId): Place | undefined {
    return (
      this.#places.find(({ outbound }) => outbound?.identity.nodeId === id) ??
      this.#places.find(({ listed }) => listed.id === id)
    );
  }
}

function twoProcesses(listed: PeerIdentity, address: string, other: PeerIdentity, remote: string): string {
  return (
    `two processes call themselves "${listed.nodeId}": one at ${address} (session ${listed.session}), ` +
    `one connected from ${remoteHost(remote)} (session ${other.session})`
  );
}

function isAt(place: Place, address: string): boolean {
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  return addressKey(place.listed.host, place.listed.port) === addressKey(address.replace(/:\d+$/, ''), port);
}
