import type { Message } from '../../node/src/raft/messages.ts';
import type { NodeId } from '../../node/src/raft/types.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export const STRAGGLE_FACTOR = 10;

export interface NetworkFaults {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Of the messages, how many take `STRAGGLE_FACTOR` times as long: the ones that arrive in another age. */
  readonly straggle: number;
  readonly drop: number;
  readonly duplicate: number;
}

/** Delays (and so reorders), drops and duplicates; links are cut in one direction at a time. */
export class SimulatedNetwork {
  faults: NetworkFaults;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #cut = new Set<string>();

  constructor(faults: NetworkFaults, random: Random, scheduler: Scheduler) {
    this.faults = faults;
    this.#random = random;
    this.#scheduler = scheduler;
  }

  send({ from, to }: Pick<Message, 'from' | 'to'>, deliver: () => void): void {
    if (this.isCut(from, to) || this.#random.chance(this.faults.drop)) return;
    const copies = this.#random.chance(this.faults.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const { minDelayMs, maxDelayMs, straggle } = this.faults;
      const delayMs =
        this.#random.between(minDelayMs, maxDelayMs) * (this.#random.chance(straggle) ? STRAGGLE_FACTOR : 1);
      this.#scheduler.in(delayMs, deliver);
    }
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  healAll(): void {
    this.#cut.clear();
  }
}
