import type { ConsensusEvent } from './consensus.ts';

type Listener = (event: ConsensusEvent) => void;

/** Those who watch. An observer that throws is a bug of this process; `onFailed` ends it, after all others were told. */
export class Observers {
  readonly #listeners = new Set<Listener>();
  readonly #onFailed: (error: unknown) => void;

  constructor(onFailed: (error: unknown) => void) {
    this.#onFailed = onFailed;
  }

  subscribe(listener: Listener): () => void {
    // Its own closure, so that the same function subscribed twice is told twice and removed once.
    const own: Listener = (event) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  emit(event: ConsensusEvent): void {
    for (const listener of [...this.#listeners]) this.tell(listener, event);
  }

  tell(listener: Listener, event: ConsensusEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#onFailed(error);
    }
  }
}
