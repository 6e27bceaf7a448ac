import type { Membership, NodeId } from '../raft/types.ts';
import { EventNamer } from './event-names.ts';
import type { EventName } from './event-names.ts';
import type { ConsensusEvent } from './events.ts';

/** An event as observers get it. */
export type ObservedEvent = ConsensusEvent & {
  /** From 1 on, without gaps, in the order in which things happened on this member since it was opened. */
  readonly sequence: number;
  /** What other systems call it (docs/consensus.md has the table); most have one, some none. */
  readonly names: readonly EventName[];
};

export type Listener = (event: ObservedEvent) => void;

/** Which events a listener is told; asked for each, so it must be quick and must not throw. */
export type EventFilter = (event: ObservedEvent) => boolean;

/**
 * Those who watch, told at once and in order. An observer that throws is a bug of this process; `onFailed` ends it, after all others
 * were told.
 */
export class Observers {
  readonly #listeners = new Set<Listener>();
  readonly #namer: EventNamer;
  readonly #onFailed: (error: unknown) => void;
  #sequence = 0;

  /** `membership`: what the log has at the start. */
  constructor(self: NodeId, membership: Membership | null, onFailed: (error: unknown) => void) {
    this.#namer = new EventNamer(self, membership);
    this.#onFailed = onFailed;
  }

  subscribe(listener: Listener, filter: EventFilter = () => true): () => void {
    // Its own closure, so that the same function subscribed twice is told twice and removed once.
    const own: Listener = (event) => {
      if (filter(event)) listener(event);
    };
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  emit(event: ConsensusEvent): ObservedEvent {
    const observed = { ...event, sequence: ++this.#sequence, names: this.#namer.namesOf(event) };
    for (const listener of [...this.#listeners]) this.tell(listener, observed);
    return observed;
  }

  tell(listener: Listener, event: ObservedEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#onFailed(error);
    }
  }
}
