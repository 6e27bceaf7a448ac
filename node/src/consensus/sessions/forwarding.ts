import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Consensus } from '../consensus.ts';

/** What a member asks the leader for: to propose these bytes. The answer is empty, the result comes by the log. */
export const sessionMethod = 'consensus.session';

/** Between two attempts: some of them fit into an election, and none of them is a burden. */
const pauseMs = 10;
/** A leader that hangs without its connection closing is left after this, for the one that was elected meanwhile. */
const attemptMs = 1_000;

export interface Forwarded<Outcome> {
  readonly consensus: Consensus<unknown>;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly bytes: Uint8Array;
  /** Resolves when the bytes were applied on this member, by whichever attempt. */
  readonly applied: Promise<Outcome>;
}

/** Codes of attempts that surely left nothing behind. */
const harmless: readonly string[] = [
  'NOT_LEADER',
  'NO_LEADER',
  'BUSY',
  'SHUTTING_DOWN',
  'PEER_UNREACHABLE',
  'TOO_LARGE',
];

/**
 * Has the bytes committed by whoever leads, and resolves once they are applied here: so a follower has the result from its own state, and
 * sees its own write. Repeats what failed until the time is over or this member ends.
 */
export async function commitSomewhere<Outcome>(forwarded: Forwarded<Outcome>): Promise<Outcome> {
  const attempts = new Attempts(forwarded);
  try {
    return await Promise.race([forwarded.applied, attempts.run()]);
  } finally {
    attempts.end();
  }
}

class Attempts {
  readonly #options: Forwarded<unknown>;
  readonly #untilMs: number;
  readonly #unsubscribe: () => void;
  /** Ends the pause that is on, or the one to come. */
  #wake: () => void = () => undefined;
  #isUnderWay = false;
  #mayHaveHappened = false;
  #isStopped = false;
  #isOver = false;

  constructor(options: Forwarded<unknown>) {
    this.#options = options;
    this.#untilMs = options.clock.nowMs() + options.timeoutMs;
    this.#unsubscribe = options.consensus.subscribe(
      () => {
        this.#isStopped = true;
        this.#mayHaveHappened ||= this.#isUnderWay;
        this.#wake();
      },
      ({ kind }) => kind === 'stopped',
    );
  }

  /** Rejects when there is no more hope; else ends with `end`. */
  async run(): Promise<never> {
    const { clock } = this.#options;
    while (!this.#isOver) {
      const error = await this.#attempt();
      this.#mayHaveHappened ||= error === null || !harmless.includes(error.code);
      const isLast = this.#isStopped || clock.nowMs() >= this.#untilMs || error?.code === 'TOO_LARGE';
      if (isLast) throw this.#mayHaveHappened || error === null ? unknown(error) : error;
      // Once it is committed nothing is left to do but to wait until it is applied here.
      await this.#pause(error === null ? this.#untilMs : Math.min(this.#untilMs, clock.nowMs() + pauseMs));
    }
    return new Promise(() => undefined);
  }

  end(): void {
    this.#isOver = true;
    this.#unsubscribe();
    this.#wake();
  }

  async #attempt(): Promise<TuttiError | null> {
    const { consensus, bytes, clock } = this.#options;
    const { leaderId } = consensus.status();
    if (leaderId === null) return new TuttiError('NO_LEADER', 'no leader is known at the moment');
    this.#isUnderWay = true;
    try {
      const timeoutMs = Math.max(1, Math.min(attemptMs, this.#untilMs - clock.nowMs()));
      await consensus.request(leaderId, sessionMethod, bytes, timeoutMs);
      return null;
    } catch (error) {
      return TuttiError.from(error);
    } finally {
      this.#isUnderWay = false;
    }
  }

  #pause(untilMs: number): Promise<void> {
    if (this.#isStopped || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.at(untilMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

function unknown(cause: TuttiError | null): TuttiError {
  const why = cause === null ? 'it is committed, and was not applied here in time' : cause.message;
  return new TuttiError('OUTCOME_UNKNOWN', `the command takes effect once or never: ${why}`, { cause });
}
