import type { Clock } from '../lib/clock.ts';
import type { Identify, Located } from './founding.ts';
import type { Peers } from './peers.ts';

/** Nobody tells when a node that did not answer does. */
const lookEveryMs = 1_000;

export interface NeighboursOptions {
  readonly peers: Pick<Peers, 'addresses'>;
  /** host:port of this node, and of every node it is connected to: nothing is unknown there. */
  readonly explained: () => ReadonlySet<string>;
  readonly identify: Identify;
  /** Who answers at the other addresses: after each look, so that what is to be done for them is done again until it is. */
  readonly onMet: (met: readonly Located[]) => void;
  readonly clock: Clock;
}

/** Finds out who is at the addresses that nothing is known of. */
export class Neighbours {
  readonly #options: NeighboursOptions;
  #isLooking = false;
  #isClosed = false;
  #cancel: () => void = () => undefined;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.look();
  }

  look(): void {
    if (this.#isClosed || this.#isLooking) return;
    this.#isLooking = true;
    this.#cancel();
    void this.#meet().then((met) => {
      this.#isLooking = false;
      if (this.#isClosed) return;
      const { clock, onMet } = this.#options;
      this.#cancel = clock.at(clock.nowMs() + lookEveryMs, () => this.look());
      onMet(met);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  async #meet(): Promise<readonly Located[]> {
    const { peers, explained, identify } = this.#options;
    const known = explained();
    const unknown = peers.addresses().filter((address) => !known.has(address));
    const met = await Promise.all(unknown.map(async (address) => ({ address, who: await identify(address) })));
    return met.flatMap(({ address, who }) => (who === null ? [] : [{ ...who, address }]));
  }
}
