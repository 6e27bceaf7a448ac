import type { Message } from '../raft/messages.ts';
import type { PersistBatch } from '../raft/types.ts';
import type { LogStore } from '../storage/log-store.ts';

interface Outstanding {
  readonly ticket: number;
  readonly sinceMs: number;
  /** Promises that rest on this batch and all before it. */
  readonly messages: Message[];
}

export interface DurabilityHooks {
  /** The batch with this ticket, and each before it, is on disk: the messages that rested on them may leave. */
  onDurable(ticket: number, messages: readonly Message[]): void;
  /** One of the batches that became durable, and since when it was given to the store. */
  onBatch(sinceMs: number): void;
  onFailed(error: unknown): void;
}

/**
 * Holds every vote and acknowledgement back until the disk has what it promises (Raft paper, figure 2: "respond after
 * updating on stable storage"). Many batches may be outstanding, the store groups them into one sync; how many is bounded
 * by the core: a leader's by `maxUncommittedBytes`, a follower's by its leader's `maxInflightBytes`.
 */
export class DurabilityQueue {
  readonly #store: LogStore;
  readonly #hooks: DurabilityHooks;
  readonly #outstanding: Outstanding[] = [];

  constructor(store: LogStore, hooks: DurabilityHooks) {
    this.#store = store;
    this.#hooks = hooks;
  }

  /** Takes what one step wrote and promised. Returns the promises that rest on nothing outstanding: they may leave now. */
  add(persist: PersistBatch | null, messages: readonly Message[], nowMs: number): readonly Message[] {
    if (persist === null) {
      const last = this.#outstanding.at(-1);
      if (last === undefined) return messages;
      last.messages.push(...messages);
      return [];
    }
    this.#outstanding.push({ ticket: persist.ticket, sinceMs: nowMs, messages: [...messages] });
    this.#store.append(persist).then(
      () => this.#durable(persist.ticket),
      (error: unknown) => this.#hooks.onFailed(error),
    );
    return [];
  }

  /** When the oldest write that is not yet on disk was handed to the store; null when nothing is outstanding. */
  oldestSinceMs(): number | null {
    return this.#outstanding[0]?.sinceMs ?? null;
  }

  // By the store's contract each earlier batch is durable too, in whichever order the promises happen to resolve.
  #durable(ticket: number): void {
    const messages: Message[] = [];
    while (this.#outstanding[0] !== undefined && this.#outstanding[0].ticket <= ticket) {
      const batch = this.#outstanding.shift()!;
      messages.push(...batch.messages);
      this.#hooks.onBatch(batch.sinceMs);
    }
    this.#hooks.onDurable(ticket, messages);
  }
}
