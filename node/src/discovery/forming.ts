import type { ConsulAddress } from '../consul/http.ts';
import { type KvEntry, readKey } from '../consul/kv.ts';
import { writeKeyIf } from '../consul/kv-write.ts';
import { watchConsul } from '../consul/watch.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { decodeFounding, encodeFounding, type Founding, type Identify, type Located, nextStep } from './founding.ts';
import type { Peers } from './peers.ts';

/** Nobody tells when a node that did not answer does. */
const lookEveryMs = 1_000;
const writeTimeoutMs = 5_000;

export interface FormingOptions {
  readonly consul: ConsulAddress;
  /** Where the founding of this cluster is kept. */
  readonly key: string;
  readonly self: Located;
  readonly expected: number;
  readonly peers: Pick<Peers, 'addresses'>;
  readonly identify: Identify;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** What it waits for now, as a sentence; called when that changes. */
  readonly onWaiting: (reason: string) => void;
}

/**
 * From a node that knows nobody to the one list of founders that all obey. Whoever first meets the expected nodes writes the list,
 * by a write that succeeds for one of them; everyone takes what is written, whoever wrote it.
 */
export class Forming {
  /** Never rejects: Consul is asked until it answers, or until this is closed. */
  readonly founding: Promise<Founding>;
  readonly #options: FormingOptions;
  readonly #settle: (founding: Founding) => void;
  readonly #endWatch: () => void;
  #isOver = false;
  #isLooking = false;
  #cancel: () => void = () => undefined;
  #waitsFor = '';

  constructor(options: FormingOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<Founding>();
    this.founding = promise;
    this.#settle = resolve;
    const { consul, key, clock, random } = options;
    this.#endWatch = watchConsul<KvEntry | null>({
      ask: (asked) => readKey(consul, key, asked),
      fromIndex: 0,
      onValue: (value) => this.#written(value),
      onFailure: (error) => this.#wait(error.message),
      clock,
      random,
    });
    this.look();
  }

  /** Peers may have come. */
  look(): void {
    if (this.#isOver || this.#isLooking) return;
    this.#isLooking = true;
    this.#cancel();
    void this.#try().then(() => {
      this.#isLooking = false;
      if (this.#isOver) return;
      const { clock } = this.#options;
      this.#cancel = clock.at(clock.nowMs() + lookEveryMs, () => this.look());
    });
  }

  close(): void {
    this.#isOver = true;
    this.#cancel();
    this.#endWatch();
  }

  #written(value: KvEntry | null): void {
    if (this.#isOver || value === null) return;
    const founding = decodeFounding(value.text);
    if (founding === null) {
      this.#wait(
        `what Consul has under ${this.#options.key} is no list of founders: delete it, if no cluster is to be kept`,
      );
      return;
    }
    this.close();
    this.#settle(founding);
  }

  /** Never rejects. */
  async #try(): Promise<void> {
    const { consul, expected, identify, key, log, peers, self } = this.#options;
    const others = peers.addresses().filter((address) => address !== self.address);
    // Asking who they are is for when they could be enough.
    if (others.length + 1 < expected) {
      return this.#wait(`${others.length + 1} of ${expected} expected nodes are registered with Consul`);
    }
    const met = await Promise.all(others.map(async (address) => ({ address, met: await identify(address) })));
    const located = met.flatMap(({ address, met: who }) => (who === null ? [] : [{ ...who, address }]));
    const step = nextStep(self, expected, located);
    if (step.kind === 'wait') return this.#wait(step.reason);
    if (this.#isOver) return;
    try {
      const isOurs = await writeKeyIf(consul, key, encodeFounding(step.founding), {
        cas: 0,
        timeoutMs: writeTimeoutMs,
      });
      const founders = step.founding.founders.map(({ id }) => id);
      if (isOurs) log.info({ key, founders }, `${founders.join(', ')} found the cluster`);
    } catch (thrown) {
      this.#wait(TuttiError.from(thrown).message);
    }
  }

  #wait(reason: string): void {
    if (this.#isOver || reason === this.#waitsFor) return;
    this.#waitsFor = reason;
    this.#options.onWaiting(reason);
  }
}
