import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ChangeOutcome, ProposalOutcome, RaftCore, RaftEvent, RaftInput, ReadOutcome } from '../raft/core.ts';
import type { Message } from '../raft/messages.ts';
import type { Entry, NodeId, Timings } from '../raft/types.ts';
import type { LogStore } from '../storage/log-store.ts';
import type { Transport } from '../transport/transport.ts';
import { DurabilityQueue } from './durability.ts';
import type { Stats } from './stats.ts';

/**
 * Inputs that arrive while a step's effects are carried out wait here (a transport may deliver from within `send`). The
 * inbox is emptied before control returns to the event loop, so only a loop of nodes in one process fills it; beyond this
 * many, messages are dropped, which Raft takes for a lossy network.
 */
export const maxInboxInputs = 4_096;

/** The longest the timer sleeps, whatever the core says: setTimeout breaks beyond 2^31 ms and at Infinity. */
const maxSleepMs = 3_600_000;

export interface EngineOptions {
  readonly core: RaftCore;
  readonly store: LogStore;
  readonly transport: Transport;
  readonly timings: () => Timings;
  readonly clock: Clock;
  /** Runs the callback in a later turn of the event loop, after pending input was read. */
  readonly defer: (callback: () => void) => void;
  readonly log: Log;
  readonly stats: Stats;
  readonly hooks: EngineHooks;
}

export interface EngineHooks {
  onAppended(entries: readonly Entry[]): void;
  onCommitted(entries: readonly Entry[]): void;
  /** The disk has not answered for an election timeout, or answers again. */
  onStalled(isStalled: boolean): void;
  onEvent(event: RaftEvent): void;
  onRead(outcome: ReadOutcome): void;
  onChange(outcome: ChangeOutcome): void;
  onSendSnapshots(to: readonly NodeId[]): void;
  /** The inbox is empty: the time to apply. */
  onIdle(): void;
  /** Something that cannot be handled: the engine must be stopped. */
  onFailed(error: unknown): void;
}

interface InboxItem {
  readonly input: RaftInput;
  readonly settle: ((outcome: ProposalOutcome) => void) | null;
}

/**
 * Drives the pure core: one inbox, one timer, effects in order. Every step is synchronous from reading the core's state to
 * handing over its effects, so nothing can change term or log in between (R11; hashicorp/raft#695).
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #durability: DurabilityQueue;
  readonly #inbox: InboxItem[] = [];
  #draining = false;
  #stopped = false;
  #lastNowMs = -Infinity;
  #cancelTimer: (() => void) | null = null;
  #armedForMs = Infinity;
  #tickPending = false;
  #stalled = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#durability = new DurabilityQueue(options.store, {
      onDurable: (ticket, messages) => {
        if (this.#stopped) return;
        this.#send(messages);
        this.feed({ kind: 'persisted', ticket });
      },
      onBatch: (sinceMs) => options.stats.durable(this.#nowMs() - sinceMs),
      onFailed: (error) => options.hooks.onFailed(error),
    });
  }

  /** The first tick gives the core its first reading of the clock, from which its election timeout counts. */
  start(): void {
    this.feed({ kind: 'tick' });
  }

  get isWriting(): boolean {
    return this.#durability.oldestSinceMs() !== null;
  }

  /** `settle` is called with the outcome of a `propose` input before any other effect of that step. */
  feed(input: RaftInput, settle: ((outcome: ProposalOutcome) => void) | null = null): void {
    if (this.#stopped) return;
    if (input.kind === 'message' && this.#inbox.length >= maxInboxInputs) return;
    this.#inbox.push({ input, settle });
    if (!this.#draining) this.#drain();
  }

  /** Nothing is sent, written or counted after this. */
  stop(): void {
    this.#stopped = true;
    this.#inbox.length = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #drain(): void {
    this.#draining = true;
    try {
      for (let item = this.#inbox.shift(); item !== undefined; item = this.#inbox.shift()) this.#step(item);
    } catch (error) {
      this.#options.hooks.onFailed(error);
    } finally {
      this.#draining = false;
    }
    if (this.#stopped) return;
    this.#arm();
    this.#options.hooks.onIdle();
  }

  #step({ input, settle }: InboxItem): void {
    const { core, hooks } = this.#options;
    const nowMs = this.#nowMs();
    const effects = core.step(input, nowMs);
    if (effects.proposal !== null) settle?.(effects.proposal);
    for (const outcome of effects.reads) hooks.onRead(outcome);
    if (effects.change !== null) hooks.onChange(effects.change);
    this.#watchDisk(nowMs);
    this.#send(effects.sendNow);
    this.#send(this.#durability.add(effects.persist, effects.sendAfterPersist, nowMs));
    if (effects.persist !== null) {
      this.#options.stats.batch();
      if (effects.persist.entries.length > 0) hooks.onAppended(effects.persist.entries);
    }
    if (effects.committed.length > 0) hooks.onCommitted(effects.committed);
    for (const event of effects.events) hooks.onEvent(event);
    if (effects.sendSnapshots.length > 0) hooks.onSendSnapshots(effects.sendSnapshots);
  }

  #send(messages: readonly Message[]): void {
    const { stats, transport } = this.#options;
    for (const message of messages) {
      stats.message(transport.send(message.to, { kind: 'raft', message }) ? 'sent' : 'dropped');
    }
  }

  #watchDisk(nowMs: number): void {
    const sinceMs = this.#durability.oldestSinceMs();
    const waitedMs = sinceMs === null ? 0 : nowMs - sinceMs;
    const stalled = waitedMs > this.#options.timings().electionTimeoutMaxMs;
    if (stalled === this.#stalled) return;
    this.#stalled = stalled;
    const { term, role } = this.#options.core.status();
    const fields = { term, role, waitedMs };
    if (stalled) this.#options.log.error(fields, 'the disk hangs: this node does not lead until it answers');
    else this.#options.log.warn(fields, 'the disk answers again');
    this.#options.hooks.onStalled(stalled);
  }

  #nowMs(): number {
    this.#lastNowMs = Math.max(this.#lastNowMs, this.#options.clock.nowMs());
    return this.#lastNowMs;
  }

  #arm(): void {
    if (this.#tickPending) return;
    const { core, clock, defer } = this.#options;
    const dueMs = Math.min(core.deadlineMs(), this.#nowMs() + maxSleepMs);
    // A timer that fires too early only looks again, which is cheaper than a new one for each heartbeat received.
    if (this.#cancelTimer !== null && this.#armedForMs <= dueMs) return;
    this.#cancelTimer?.();
    this.#armedForMs = dueMs;
    this.#cancelTimer = clock.at(dueMs, () => {
      this.#cancelTimer = null;
      this.#tickPending = true;
      // After a stall of the process its timers run before its sockets are read: a heartbeat that already lies there
      // must count before this node decides that its leader is gone (H5).
      defer(() => this.#tick());
    });
  }

  #tick(): void {
    this.#tickPending = false;
    if (this.#stopped) return;
    if (this.#nowMs() >= this.#options.core.deadlineMs()) this.feed({ kind: 'tick' });
    else this.#arm();
  }
}
