import { ClaimedClusterId } from '../../node/src/consensus/cluster-id.ts';
import type { Effects, RaftCore, RaftInput, RaftOptions, RaftStatus } from '../../node/src/raft/core.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import type { Entry, Incarnation, NodeId } from '../../node/src/raft/types.ts';
import { DurableState, SimulatedDisk } from './disk.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedSnapshot, SnapshotWorld } from './snapshots.ts';
import { SimulatedSnapshots } from './snapshots.ts';

export type CreateCore = (options: RaftOptions) => RaftCore;

export interface NodeObserver {
  /** After each step, before its effects leave the node. */
  stepped(node: SimulatedNode, input: RaftInput, before: RaftStatus, effects: Effects): void;
  sending(node: SimulatedNode, message: Message): void;
  /** What was written is on its disk. */
  synced(node: SimulatedNode): void;
}

export interface NodeWorld {
  readonly scheduler: Scheduler;
  readonly observer: NodeObserver;
  readonly createCore: CreateCore;
  readonly options: Pick<RaftOptions, 'listedSize' | 'timings' | 'limits' | 'removeDeadAfterMs' | 'lease'>;
  readonly snapshots: Pick<SnapshotWorld, 'transmit' | 'transferMs'>;
  transmit(message: Message, fromIncarnation: Incarnation): void;
  syncMs(): number;
}

export interface SimulatedSelf {
  readonly id: NodeId;
  readonly priority: number;
  readonly clockRate: number;
  readonly isSpare?: boolean;
}

/** The host of one core on a simulated disk: does with the effects what consensus/ does with real ones. */
export class SimulatedNode {
  readonly id: NodeId;
  /** No list names it, so it knows that there is a cluster to join. */
  readonly isSpare: boolean;
  readonly priority: number;
  /** Seconds of its clock in one of the world's. */
  readonly #clockRate: number;
  #clockAheadMs = 0;
  incarnation: Incarnation;
  disk = new SimulatedDisk();
  core: RaftCore | null = null;
  /** What the state machine has: from a snapshot, and applied behind it. */
  committed: Entry[] = [];
  /** Up to where the core has handed out what is committed, or has said that a snapshot holds it. */
  handedOut = 0;
  /** The log in memory, followed through the effects alone. */
  mirror = new DurableState();
  pausedUntilMs = 0;
  readonly snapshots: SimulatedSnapshots;
  /** What disks held that were wiped since: their old acknowledgements may still be under way. */
  readonly wipedDisks: { readonly incarnation: Incarnation; readonly state: DurableState }[] = [];
  readonly #world: NodeWorld;
  readonly #random: Random;
  #claimed: ClaimedClusterId | null = null;
  #life = 0;
  #disks = 1;
  #held: { readonly ticket: number; readonly messages: readonly Message[] }[] = [];
  #lastTicket = 0;
  #tickPlannedMs = Infinity;
  /** What happened while the process was paused. */
  readonly #missed: (() => void)[] = [];

  constructor({ id, priority, clockRate, isSpare = false }: SimulatedSelf, world: NodeWorld, random: Random) {
    this.id = id;
    this.isSpare = isSpare;
    this.priority = priority;
    this.#clockRate = clockRate;
    this.incarnation = `${id}#0`;
    this.#world = world;
    this.#random = random;
    this.snapshots = new SimulatedSnapshots(this, {
      ...world.snapshots,
      at: (inMs, run) => this.#inThisLife(inMs, run),
    });
  }

  get isUp(): boolean {
    return this.core !== null;
  }

  /** Its disk owes it nothing. */
  get isSynced(): boolean {
    return this.disk.durableTicket >= this.#lastTicket;
  }

  /** What it tells in handshakes (ADR 0040). */
  get clusterId(): string | null {
    return this.#claimed?.value ?? null;
  }

  start(): void {
    this.#life += 1;
    this.#held = [];
    this.#lastTicket = 0;
    this.#tickPlannedMs = Infinity;
    const { hardState, snapshot, base, entries } = this.disk.durable;
    this.committed = [...(snapshot?.entries ?? [])];
    this.handedOut = this.committed.length;
    this.mirror = new DurableState();
    Object.assign(this.mirror, { hardState, snapshot, base, entries: [...entries] });
    this.core = this.#world.createCore({
      ...this.#world.options,
      self: { id: this.id, incarnation: this.incarnation },
      priority: this.priority,
      proposedClusterId: `cluster-of-${this.id}-${this.#life}`,
      random: this.#random.next,
      snapshot: snapshot?.metadata ?? null,
      hardState: { ...hardState, foundedElsewhere: hardState.foundedElsewhere || this.isSpare },
      ...{ base, entries: [...entries] },
    });
    this.#claimed = new ClaimedClusterId(this.core, { snapshot: snapshot?.metadata ?? null, entries });
    this.step({ kind: 'tick' });
  }

  /** Its clock is that much later from one moment to the next, as on a virtual machine that was moved; it never goes back. */
  jumpClock(byMs: number): void {
    this.#clockAheadMs += byMs;
    if (this.core !== null) this.#planTick();
  }

  crash(): void {
    this.core = null;
    this.#life += 1;
    this.disk.crash(this.#random);
    this.#world.observer.synced(this);
  }

  wipe(): void {
    this.wipedDisks.push({ incarnation: this.incarnation, state: this.disk.durable });
    this.replaceDisk();
  }

  /** Of a member that no log binds yet: what its disk held has never counted, and does not from here on. */
  replaceDisk(): void {
    this.disk = new SimulatedDisk();
    this.incarnation = `${this.id}#${this.#disks}`;
    this.#disks += 1;
  }

  /** Feeds an event now, or, while the process is paused, when it wakes up; never to a later life. */
  feed(input: RaftInput): void {
    this.whenAwake(() => this.step(input));
  }

  /** Now, or when the process wakes up; never in a later life. */
  whenAwake(run: () => void): void {
    const life = this.#life;
    const { scheduler } = this.#world;
    if (scheduler.nowMs >= this.pausedUntilMs) {
      this.#wakeUp();
      return run();
    }
    this.#missed.push(() => {
      if (this.#life === life) run();
    });
    this.#planWakeUp();
  }

  #planWakeUp(): void {
    const { scheduler } = this.#world;
    scheduler.at(this.pausedUntilMs, () => {
      if (scheduler.nowMs >= this.pausedUntilMs) this.#wakeUp();
      else this.#planWakeUp();
    });
  }

  /** In the order in which it came, also where somebody cut the pause short. */
  #wakeUp(): void {
    for (const run of this.#missed.splice(0)) run();
  }

  step(input: RaftInput): Effects | null {
    if (this.core === null) return null;
    const { observer, scheduler } = this.#world;
    const before = this.core.status();
    const effects = this.core.step(input, scheduler.nowMs * this.#clockRate + this.#clockAheadMs);
    if (effects.persist !== null) this.mirror.apply(effects.persist);
    observer.stepped(this, input, before, effects);
    this.#carryOut(effects);
    this.#planTick();
    return effects;
  }

  #carryOut(effects: Effects): void {
    if (effects.persist !== null) {
      this.disk.write(effects.persist);
      this.#lastTicket = effects.persist.ticket;
      this.#sync();
    }
    for (const message of effects.sendNow) this.#transmit(message);
    if (effects.sendAfterPersist.length > 0) {
      this.#held.push({ ticket: this.#lastTicket, messages: effects.sendAfterPersist });
      this.#release();
    }
    // What a snapshot has brought is not applied again (raft.md S7).
    this.committed.push(...effects.committed.filter(({ index }) => index > this.committed.length));
    this.#claimed?.onCommitted(effects.committed);
    this.snapshots.send(this.id, effects.sendSnapshots);
    this.handedOut = effects.committed.at(-1)?.index ?? this.handedOut;
    const installed = effects.events.find((event) => event.kind === 'snapshotInstalled');
    if (installed === undefined || installed.isStale) return;
    this.handedOut = Math.max(this.handedOut, installed.index);
    this.#claimed?.onInstalled();
  }

  holdSnapshot(snapshot: SimulatedSnapshot): void {
    const { index } = snapshot.metadata;
    if (index > this.committed.length) this.committed = [...snapshot.entries];
    if (index > (this.mirror.snapshot?.metadata.index ?? 0)) this.mirror.snapshot = snapshot;
  }

  afterSync(run: () => void): void {
    this.#inThisLife(this.#world.syncMs(), run);
  }

  #inThisLife(inMs: number, run: () => void): void {
    const life = this.#life;
    this.#world.scheduler.in(inMs, () => {
      if (this.#life === life) this.whenAwake(run);
    });
  }

  #sync(): void {
    if (this.disk.beginSync() !== null) this.afterSync(() => this.#synced());
  }

  #synced(): void {
    const ticket = this.disk.endSync();
    this.#world.observer.synced(this);
    this.#release();
    this.#sync();
    this.step({ kind: 'persisted', ticket });
  }

  #release(): void {
    while (this.#held.length > 0 && this.#held[0]!.ticket <= this.disk.durableTicket) {
      for (const message of this.#held.shift()!.messages) this.#transmit(message);
    }
  }

  #transmit(message: Message): void {
    this.#world.observer.sending(this, message);
    this.#world.transmit(message, this.incarnation);
  }

  #planTick(): void {
    // Rounded up, or the core would be asked a hair before its time, again and again.
    const dueMs = (this.core!.deadlineMs() - this.#clockAheadMs) / this.#clockRate;
    const deadlineMs = this.#clockRate === 1 && this.#clockAheadMs === 0 ? dueMs : dueMs + 1e-6;
    if (deadlineMs === this.#tickPlannedMs || deadlineMs === Infinity) return;
    this.#tickPlannedMs = deadlineMs;
    const life = this.#life;
    this.#world.scheduler.at(deadlineMs, () => {
      if (this.#life === life && this.#tickPlannedMs === deadlineMs) {
        this.#tickPlannedMs = Infinity;
        this.feed({ kind: 'tick' });
      }
    });
  }
}
