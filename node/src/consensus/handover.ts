import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { RaftEvent, RaftInput } from '../raft/core.ts';
import type { NodeId } from '../raft/types.ts';
import { shuttingDown } from './requests.ts';

export interface HandoverOptions {
  readonly self: NodeId;
  readonly clock: Clock;
  /** Longer than the core itself tries, so that an election in between can end. */
  readonly patienceMs: () => number;
  readonly feed: (input: RaftInput) => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: TuttiError) => void;
}

/** Joins who asked for a transfer of leadership with what became of it. One at a time, as in the core. */
export class Handover {
  readonly #options: HandoverOptions;
  #waiter: Waiter | null = null;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /** Resolves once another node leads. Rejects with TRANSFER_FAILED, saying why, if this one goes on or nobody leads in time. */
  begin(to: NodeId | null): Promise<void> {
    const { clock, feed } = this.#options;
    const patienceMs = this.#options.patienceMs();
    if (this.#waiter !== null) return Promise.reject(failed('a transfer is under way'));
    const ended = new Promise<void>((resolve, reject) => (this.#waiter = { resolve, reject }));
    const cancel = clock.at(clock.nowMs() + patienceMs, () => {
      this.#take()?.reject(failed(`nobody took over within ${patienceMs} ms`));
    });
    feed({ kind: 'transfer', to });
    return ended.finally(cancel);
  }

  onEvent(event: RaftEvent): void {
    if (event.kind === 'transferFailed') this.#take()?.reject(failed(event.reason));
    if (event.kind !== 'leaderChanged' || event.leaderId === null) return;
    // Deposed and elected again before anybody else led.
    if (event.leaderId === this.#options.self) this.#take()?.reject(failed('this node was elected again'));
    else this.#take()?.resolve();
  }

  stop(): void {
    this.#take()?.reject(shuttingDown());
  }

  #take(): Waiter | null {
    const waiter = this.#waiter;
    this.#waiter = null;
    return waiter;
  }
}

function failed(reason: string): TuttiError {
  return new TuttiError('TRANSFER_FAILED', `the leadership was not handed over: ${reason}`);
}
