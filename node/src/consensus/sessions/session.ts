import { TuttiError } from '../../lib/errors.ts';
import { encodeCommand } from './envelope.ts';
import type { SessionOutcome } from './table.ts';

/** One client: its commands are numbered, and each takes effect once, or never. Several may be pending at once, in any order. */
export class Session<Result> {
  readonly id: number;
  readonly #send: (key: string, bytes: Uint8Array) => Promise<SessionOutcome<Result>>;
  readonly #maxPending: number;
  readonly #pending = new Set<number>();
  #lastSequence = 0;

  constructor(
    id: number,
    maxPending: number,
    send: (key: string, bytes: Uint8Array) => Promise<SessionOutcome<Result>>,
  ) {
    this.id = id;
    this.#maxPending = maxPending;
    this.#send = send;
  }

  /**
   * Sends the command to whoever leads, again and again where it is not known what became of it, and resolves with what `apply` of the
   * state machine returned the one time it ran. Rejects with OUTCOME_UNKNOWN when time ran out, or when this member got a snapshot in
   * which the session is forgotten: it ran once or never, and is never repeated. Else nothing happened: NO_LEADER, BUSY, TOO_LARGE,
   * SHUTTING_DOWN, or SESSION_EXPIRED (open another).
   */
  async apply(command: Uint8Array): Promise<Result> {
    const [oldest = Infinity] = this.#pending;
    // Here, as the members keep the answers behind the oldest: one that they refuse for their number could run by a later copy.
    if (this.#lastSequence + 1 - oldest >= this.#maxPending) {
      throw new TuttiError('BUSY', `a command of this session waits for its answer since ${this.#maxPending} commands`);
    }
    const sequence = ++this.#lastSequence;
    this.#pending.add(sequence);
    try {
      const [firstPending] = this.#pending;
      const bytes = encodeCommand(this.id, sequence, firstPending!, command);
      return resultOf(await this.#send(`${this.id}/${sequence}`, bytes));
    } finally {
      this.#pending.delete(sequence);
    }
  }
}

function resultOf<Result>(outcome: SessionOutcome<Result>): Result {
  switch (outcome.kind) {
    case 'done':
      return outcome.result;
    case 'expired':
      // The answer to the first copy in the log: had one before it been applied, that one's answer would have come, or `forgotten`.
      throw new TuttiError('SESSION_EXPIRED', 'this session was idle for too long, and was forgotten; open another');
    case 'forgotten':
      throw new TuttiError(
        'OUTCOME_UNKNOWN',
        'the command took effect once or never: this session was forgotten meanwhile',
      );
    case 'tooMany':
    case 'abandoned':
    case 'opened':
      throw new Error(`a command that waits for its answer was ${outcome.kind}`);
  }
}
