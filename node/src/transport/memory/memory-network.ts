import type { Clock } from '../../lib/clock.ts';
import { invariant } from '../../lib/invariant.ts';
import type { NodeId } from '../../raft/types.ts';
import type { PeerFrame, PeerIdentity, Transport } from '../transport.ts';
import type { Hub } from './memory-transport.ts';
import { MemoryTransport } from './memory-transport.ts';

export interface MemoryNetworkOptions {
  /** Moves every delivery; a virtual one makes a test deterministic. */
  readonly clock: Clock;
  /** One way, in milliseconds. */
  readonly delayMs?: (from: NodeId, to: NodeId) => number;
}

/** A few seconds of the densest traffic of a test; beyond it a sender is told that its frame was dropped. */
const MAX_QUEUED_FRAMES = 10_000;

/** One direction of a connection. A new generation ends what was under way in the one before. */
interface Lane {
  generation: number;
  queued: number;
  lastDeliveryMs: number;
}

/** The hub that connects the in-memory transports of one process: who reaches whom, and how late. */
export class MemoryNetwork implements Hub {
  readonly #clock: Clock;
  readonly #delayMs: (from: NodeId, to: NodeId) => number;
  readonly #members = new Map<NodeId, MemoryTransport>();
  /** The last transport under each name, gone or not: what a list would have. */
  readonly #known = new Map<NodeId, MemoryTransport>();
  readonly #linked = new Set<string>();
  readonly #apart = new Set<string>();
  readonly #deaf = new Set<string>();
  readonly #refused = new Map<string, string>();
  readonly #lanes = new Map<string, Lane>();

  constructor({ clock, delayMs = () => 0 }: MemoryNetworkOptions) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** A transport that reaches every other started one. `identity` is asked at each handshake: the cluster id changes. */
  transport(identity: () => PeerIdentity): Transport {
    return new MemoryTransport(this, identity, () => this.#clock.nowMs());
  }

  /** Resets the connection between two nodes, and keeps them apart until healed. */
  disconnect(a: NodeId, b: NodeId): void {
    this.#apart.add(pair(a, b));
    this.#close(a, b, 'reset');
  }

  /** Loses every frame in one direction, silently: both ends believe that they are connected. */
  cutOneWay(from: NodeId, to: NodeId): void {
    this.#deaf.add(lane(from, to));
  }

  heal(a: NodeId, b: NodeId): void {
    this.#apart.delete(pair(a, b));
    this.#deaf.delete(lane(a, b));
    this.#deaf.delete(lane(b, a));
    this.#open(a, b);
  }

  isLinked(a: NodeId, b: NodeId): boolean {
    return this.#linked.has(pair(a, b));
  }

  delayMs(from: NodeId, to: NodeId): number {
    return this.#delayMs(from, to);
  }

  others(id: NodeId): MemoryTransport[] {
    return [...this.#known.values()].filter((member) => member.id !== id);
  }

  problem(a: PeerIdentity, b: PeerIdentity): string | null {
    return this.#refused.get(refusal(a, b)) ?? null;
  }

  join(member: MemoryTransport): void {
    invariant(!this.#members.has(member.id), `${member.id} is on the network already`);
    this.#members.set(member.id, member);
    this.#known.set(member.id, member);
    for (const other of this.others(member.id)) this.#open(member.id, other.id);
  }

  leave(member: MemoryTransport): void {
    // One that never came in, since another has its name, takes nobody with it.
    if (this.#members.get(member.id) !== member) return;
    for (const other of this.others(member.id)) {
      if (!this.#close(member.id, other.id, 'closed')) continue;
      this.#deliver(member.id, other.id, (receiver) => receiver.peerEnded(member.identity()));
    }
    this.#members.delete(member.id);
  }

  refuse(by: MemoryTransport, id: NodeId, reason: string): void {
    const other = this.#members.get(id);
    if (other === undefined) return;
    this.#refused.set(refusal(by.identity(), other.identity()), reason);
    this.#close(by.id, id, reason);
    by.mismatch({ address: id, reason });
    other.mismatch({ address: by.id, reason });
  }

  send(from: NodeId, to: NodeId, frame: PeerFrame): boolean {
    const direction = this.#lane(from, to);
    if (!this.isLinked(from, to) || direction.queued >= MAX_QUEUED_FRAMES) return false;
    if (this.#deaf.has(lane(from, to))) return true;
    const sender = this.#members.get(from);
    invariant(sender !== undefined, `${from} is linked and on the network`);
    this.#deliver(from, to, (receiver) => receiver.frame(sender.identity(), frame));
    return true;
  }

  /** In the order of the calls, whatever the delays: a connection does not reorder. */
  #deliver(from: NodeId, to: NodeId, deliver: (receiver: MemoryTransport) => void): void {
    const direction = this.#lane(from, to);
    const { generation } = direction;
    const atMs = Math.max(direction.lastDeliveryMs, this.#clock.nowMs() + this.#delayMs(from, to));
    direction.lastDeliveryMs = atMs;
    direction.queued += 1;
    this.#clock.at(atMs, () => {
      direction.queued -= 1;
      const receiver = this.#members.get(to);
      if (direction.generation === generation && receiver !== undefined) deliver(receiver);
    });
  }

  #open(a: NodeId, b: NodeId): void {
    const [one, other] = [this.#members.get(a), this.#members.get(b)];
    if (one === undefined || other === undefined || this.isLinked(a, b) || this.#apart.has(pair(a, b))) return;
    const [first, second] = [one.identity(), other.identity()];
    if (this.problem(first, second) !== null) return;
    this.#linked.add(pair(a, b));
    this.#deliver(a, b, (receiver) => receiver.peerUp(first));
    this.#deliver(b, a, (receiver) => receiver.peerUp(second));
  }

  /** False: they were not connected. */
  #close(a: NodeId, b: NodeId, reason: string): boolean {
    if (!this.#linked.delete(pair(a, b))) return false;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#lane(from, to).generation += 1;
      this.#deliver(from, to, (receiver) => receiver.peerDown(from, reason));
    }
    return true;
  }

  #lane(from: NodeId, to: NodeId): Lane {
    const key = lane(from, to);
    const known = this.#lanes.get(key) ?? { generation: 0, queued: 0, lastDeliveryMs: 0 };
    this.#lanes.set(key, known);
    return known;
  }
}

function lane(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}

function pair(a: NodeId, b: NodeId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}

function refusal(a: PeerIdentity, b: PeerIdentity): string {
  return pair(`${a.nodeId}/${a.incarnation}`, `${b.nodeId}/${b.incarnation}`);
}
