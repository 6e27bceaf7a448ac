import type { NodeId } from '../../raft/types.ts';
import { addressKey, canonicalHost, DEFAULT_CLUSTER_PORT, formatAddress, parseAddress } from '../addresses.ts';
import { STEADY_AFTER_MS } from '../backoff.ts';
import type { ListedPeer, PeerIdentity, PeerStatus } from '../transport.ts';

/** The stream to a peer, as far as its place needs it. */
export interface PlaceLink {
  readonly identity: PeerIdentity;
  readonly lastHeardMs: number;
}

/** A listed peer, as far as we got with it. */
export class Place<Outbound extends PlaceLink = PlaceLink> {
  readonly listed: ListedPeer;
  readonly address: string;
  #outbound: Outbound | null = null;
  #identity: PeerIdentity | null = null;
  #problem: string | null = null;
  #isRefused = false;
  #lastHeardMs: number | null = null;
  #upSinceMs = 0;
  /** Who was up and is gone, until it is known to have ended or is up again. */
  #lost: PeerIdentity | null = null;
  /** Of the last stream in each direction. */
  readonly #notices: { inbound: string | null; outbound: string | null } = { inbound: null, outbound: null };
  /** Who dialled us last as the node of this place. */
  dialledBy: NodeId | null = null;

  constructor(listed: ListedPeer) {
    this.listed = listed;
    this.address = formatAddress(listed.host, listed.port);
  }

  /** The stream this node dialled, while it is open. */
  get outbound(): Outbound | null {
    return this.#outbound;
  }

  status(isUp: boolean): PeerStatus {
    return {
      address: this.address,
      expectedId: this.listed.id,
      identity: this.#identity,
      state: isUp ? 'connected' : this.#isRefused ? 'refused' : 'connecting',
      problem: isUp ? (this.#notices.inbound ?? this.#notices.outbound) : this.#problem,
      lastHeardMs: this.#outbound?.lastHeardMs ?? this.#lastHeardMs,
    };
  }

  dialled(link: Outbound): void {
    if (!this.#isRefused) this.#problem = null;
    this.#outbound = link;
    this.#identity = link.identity;
  }

  hungUp(): void {
    this.#lastHeardMs = this.#outbound?.lastHeardMs ?? this.#lastHeardMs;
    this.#outbound = null;
  }

  up(nowMs: number): void {
    this.#lost = null;
    this.#problem = null;
    this.#isRefused = false;
    this.#upSinceMs = nowMs;
  }

  /** Whether it was up for so long that what was wrong before is over. */
  wasSteady(nowMs: number): boolean {
    return nowMs - this.#upSinceMs >= STEADY_AFTER_MS;
  }

  wentDown(peer: PeerIdentity, reason: string): void {
    this.#lost = peer;
    if (!this.#isRefused) this.#problem = `lost: ${reason}`;
  }

  /** The address refuses connections: whoever was up there has ended. Told once. */
  takeEnded(): PeerIdentity | null {
    const ended = this.#lost;
    this.#lost = null;
    return ended;
  }

  failed(reason: string): void {
    this.#problem = reason;
    this.#isRefused = false;
  }

  refused(reason: string): void {
    this.#problem = reason;
    this.#isRefused = true;
  }

  /** Takes what a new stream noticed. True for news: a notice that the stream before it in this direction did not have. */
  noticed(side: 'inbound' | 'outbound', notice: string | null): notice is string {
    const isNews = notice !== null && notice !== this.#notices[side];
    this.#notices[side] = notice;
    return isNews;
  }
}

/** The others of the list, in its order. */
export class Places<Outbound extends PlaceLink = PlaceLink> {
  readonly #all: Place<Outbound>[];

  constructor(others: readonly ListedPeer[]) {
    this.#all = others.map((listed) => new Place<Outbound>(listed));
  }

  get all(): readonly Place<Outbound>[] {
    return this.#all;
  }

  /** One more than the list has. */
  add(listed: ListedPeer): Place<Outbound> {
    const place = new Place<Outbound>(listed);
    this.#all.push(place);
    return place;
  }

  /** Another place for the same node. */
  replace(place: Place<Outbound>, listed: ListedPeer): Place<Outbound> {
    const moved = new Place<Outbound>(listed);
    this.#all[this.#all.indexOf(place)] = moved;
    return moved;
  }

  remove(place: Place<Outbound>): void {
    this.#all.splice(this.#all.indexOf(place), 1);
  }

  /** The listed peer with this id: by what it proved, else by what the list says. */
  named(id: NodeId): Place<Outbound> | undefined {
    return (
      this.all.find(({ outbound }) => outbound?.identity.nodeId === id) ??
      this.all.find(({ listed }) => listed.id === id)
    );
  }

  /** Where a node of this id belongs: one place, or those that nobody has proven yet where the list names no ids. */
  possibleFor(id: NodeId): readonly Place<Outbound>[] {
    const named = this.named(id);
    if (named !== undefined) return [named];
    return this.all.filter(({ listed, outbound }) => listed.id === null && outbound === null);
  }

  /** The listed peer at "host:port". */
  at(address: string): Place<Outbound> | undefined {
    const parsed = parseAddress(address, DEFAULT_CLUSTER_PORT);
    if (typeof parsed === 'string') return undefined;
    const key = addressKey(parsed.host, parsed.port);
    return this.all.find(({ listed }) => addressKey(listed.host, listed.port) === key);
  }

  /** The ids the list gives for an IP address, whatever the port. */
  idsOn(host: string): readonly NodeId[] {
    const key = canonicalHost(host);
    return this.all.flatMap(({ listed }) =>
      listed.id !== null && canonicalHost(listed.host) === key ? [listed.id] : [],
    );
  }

  /** The id the list gives for "host:port"; null when it gives none. */
  idAt(address: string): NodeId | null {
    return this.at(address)?.listed.id ?? null;
  }
}
