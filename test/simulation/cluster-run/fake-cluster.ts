import { FakeConsensus } from './fake-consensus.ts';
import type { LogEntry } from './fake-consensus.ts';
import type { MachineClock, World } from './world.ts';

/** Longest silence before a peer counts as down, and before a cut-off leader steps down (check-quorum). */
const silenceMs = 300;

/**
 * A replicated log without Raft: one ordered list, delays, leaders that come and go. It keeps what the real consensus
 * promises and nothing more: order, one apply per start, an unknown outcome when the office is lost, a new leader that knows
 * all that was committed, an old one that believes in itself for a while.
 */
export class FakeCluster {
  readonly world: World;
  readonly nodes = new Map<string, FakeConsensus>();
  readonly log: LogEntry[] = [];
  readonly listed: readonly string[];
  committed = 0;
  /** From the proposal to the commit, at most. */
  maxCommitMs = 15;
  term = 1;
  leader: FakeConsensus | null = null;
  readonly #cutOff = new Set<string>();
  readonly #size: number;
  #isElecting = false;
  /** Log length when the leader was cut off: what it appends from then on is on its own disk alone. */
  #sharedLength: number | null = null;

  constructor(world: World, size: number) {
    this.world = world;
    this.#size = size;
    this.listed = Array.from({ length: size }, (_, index) => `n${index}`);
  }

  /** A process starts: a new session, an empty state, and the log to replay. */
  boot(id: string, session: string, clock: MachineClock): FakeConsensus {
    const node = new FakeConsensus(this, id, session, clock);
    this.nodes.set(id, node);
    for (const other of this.nodes.values()) if (other !== node) this.#meet(node, other);
    node.catchUp();
    this.elect();
    return node;
  }

  /** SIGKILL: nothing it has under way arrives, and its peers see the reset. */
  kill(id: string): void {
    const node = this.nodes.get(id)!;
    node.isAlive = false;
    this.nodes.delete(id);
    this.#loses(node, () => this.world.random.between(1, 50));
  }

  /** No packet in or out; nobody is told. */
  cutOff(id: string): void {
    this.#cutOff.add(id);
    const node = this.nodes.get(id)!;
    if (this.leader === node) this.#sharedLength = this.log.length;
    this.#loses(node, () => this.world.random.between(silenceMs / 2, silenceMs));
    for (const other of this.nodes.values()) {
      if (other !== node) this.world.after(this.world.random.between(silenceMs / 2, silenceMs), () => node.lost(other));
    }
    if (!node.status().leading) return;
    this.world.after(this.world.random.between(silenceMs / 2, silenceMs), () => {
      if (!this.#cutOff.has(id)) return;
      if (this.leader === node) this.leader = null;
      node.loseLeadership('no quorum');
    });
  }

  heal(id: string): void {
    this.#cutOff.delete(id);
    const node = this.nodes.get(id);
    if (node === undefined) return;
    if (this.leader === node) this.#sharedLength = null;
    if (node.status().leading && this.leader !== node) node.loseLeadership('a later term');
    for (const other of this.nodes.values()) if (other !== node) this.#meet(node, other);
    this.world.after(this.world.random.between(10, 100), () => node.catchUp());
    // A leader that was not replaced meanwhile repeats what its followers missed.
    this.world.after(this.world.random.between(10, 50), () => this.#commit(node, this.term));
    this.elect();
  }

  reachable(a: FakeConsensus, b: FakeConsensus): boolean {
    return a === b || (a.isAlive && b.isAlive && !this.#cutOff.has(a.id) && !this.#cutOff.has(b.id));
  }

  hasQuorum(of: FakeConsensus): boolean {
    return 2 * [...this.nodes.values()].filter((node) => this.reachable(of, node)).length > this.#size;
  }

  /** Order counts from the moment of the proposal; commit comes a round trip later, if a majority is there. */
  propose(entry: LogEntry, by: FakeConsensus): void {
    if (this.leader !== by || !by.status().leading || entry.term !== this.term) return;
    const upTo = this.log.push(entry);
    this.world.after(this.world.random.between(1, this.maxCommitMs), () => this.#commit(by, entry.term, upTo));
  }

  #commit(by: FakeConsensus, term: number, upTo = this.log.length): void {
    if (this.leader !== by || this.term !== term || !this.hasQuorum(by) || !by.isAlive) return;
    this.committed = Math.max(this.committed, upTo);
    by.catchUp();
    for (const node of this.nodes.values()) {
      if (node === by) continue;
      const delayMs = this.world.random.between(1, this.world.random.chance(0.02) ? 400 : 20);
      this.world.after(delayMs, () => node.catchUp());
    }
  }

  /** A healthy leader gives way, as after a pause that was too long for its followers. */
  depose(): void {
    const old = this.leader;
    if (old === null) return;
    this.leader = null;
    old.loseLeadership('deposed');
    this.elect();
  }

  elect(): void {
    const isLed = (): boolean => this.leader !== null && this.leader.isAlive && this.hasQuorum(this.leader);
    if (this.#isElecting || isLed()) return;
    this.#isElecting = true;
    this.world.after(this.world.random.between(60, 600), () => {
      this.#isElecting = false;
      if (isLed()) return;
      const able = [...this.nodes.values()].filter((node) => !this.#cutOff.has(node.id) && this.hasQuorum(node));
      if (able.length === 0) return;
      this.#crown(this.world.random.pick(able));
    });
  }

  /** What was appended and not committed survives up to wherever the new leader's log reaches. */
  #crown(next: FakeConsensus): void {
    const reach = this.#sharedLength ?? this.log.length;
    const kept = Math.floor(this.world.random.between(this.committed, reach + 1));
    this.#sharedLength = null;
    this.log.splice(kept);
    this.term++;
    const old = this.leader;
    this.leader = next;
    if (old !== null && old !== next && old.isAlive && !this.#cutOff.has(old.id)) old.loseLeadership('a later term');
    // The entry of its own term, with which all before it is committed.
    this.log.push({ term: this.term, data: new Uint8Array(), settle: null, proposer: null });
    const { term } = this;
    for (const node of this.nodes.values()) {
      if (node !== next) this.world.after(this.world.random.between(1, 30), () => node.hearLeader(next, term));
    }
    next.hearLeader(next, term);
    this.world.after(this.world.random.between(2, 30), () => {
      this.#commit(next, term);
      next.lead(term);
    });
  }

  #meet(a: FakeConsensus, b: FakeConsensus): void {
    this.world.after(this.world.random.between(5, 200), () => {
      if (!this.reachable(a, b) || this.nodes.get(a.id) !== a || this.nodes.get(b.id) !== b) return;
      a.met(b);
      b.met(a);
      if (this.leader !== null) for (const node of [a, b]) node.hearLeader(this.leader, this.term);
    });
  }

  #loses(node: FakeConsensus, noticeMs: () => number): void {
    for (const other of this.nodes.values()) {
      if (other !== node) this.world.after(noticeMs(), () => other.lost(node));
    }
    if (this.leader === node) this.elect();
  }
}
