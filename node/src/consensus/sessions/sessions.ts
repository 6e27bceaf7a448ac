import { randomBytes } from 'node:crypto';
import { systemClock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Consensus, StateMachine } from '../consensus.ts';
import { decodeEnvelope, encodeOpen, nonceBytes } from './envelope.ts';
import { commitSomewhere, sessionMethod } from './forwarding.ts';
import { Session } from './session.ts';
import { defaultSessionLimits, SessionTable } from './table.ts';
import { decodeSessions, encodeSessions, numbers, Reader } from './table-form.ts';
import type { ResultForm } from './table-form.ts';
import type { SessionLimits, SessionOutcome } from './table.ts';

export interface SessionOptions {
  /** How long a command is tried before it ends with what is known then: 10 s unless given, longer than any election. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Random bytes, for the name of an opening: those of the system unless given. */
  readonly random?: (count: number) => Uint8Array;
}

/**
 * A state machine whose commands are applied exactly once, however often they are sent: open the member with it in the place of your own,
 * the same limits on every member, then `open` a session on any of them. `propose` of such a member is for sessions only.
 */
export class Sessions<Result> implements StateMachine<SessionOutcome<Result> | null> {
  readonly #machine: StateMachine<Result>;
  readonly #table: SessionTable<Result>;
  readonly #maxPending: number;
  /** Both or none, as every state machine has them. */
  readonly snapshot?: () => Iterable<Uint8Array>;
  readonly restore?: (snapshot: Uint8Array) => Promise<void>;
  readonly #waiting = new Map<string, (outcome: SessionOutcome<Result>) => void>();

  /** With `form`, snapshots are taken as the machine has them, with the table in them; without it the log is kept whole. */
  constructor(
    machine: StateMachine<Result>,
    limits: SessionLimits = defaultSessionLimits,
    form: ResultForm<Result> | null = null,
  ) {
    this.#machine = machine;
    this.#maxPending = limits.maxPending;
    this.#table = new SessionTable(limits);
    if (form === null) return;
    if (machine.snapshot === undefined || machine.restore === undefined) {
      throw new TuttiError('SETTINGS_INVALID', 'a form of results is for snapshots: the state machine has none');
    }
    this.snapshot = () => this.#snapshot(form);
    this.restore = (snapshot) => this.#restore(snapshot, form);
  }

  apply(data: Uint8Array, at: { readonly index: number; readonly term: number }): SessionOutcome<Result> | null {
    const envelope = decodeEnvelope(data);
    if (envelope === null) return null;
    if (envelope.kind === 'open') {
      this.#table.open(at.index);
      return this.#tell(envelope.nonce, { kind: 'opened', session: at.index });
    }
    const { session, sequence, firstPending, command } = envelope;
    const reply = this.#table.run(session, sequence, firstPending, () => this.#machine.apply(command, at));
    return this.#tell(`${session}/${sequence}`, reply);
  }

  /** Lets other members send commands of their sessions here while this one leads: in the turn in which it was opened. */
  serve(consensus: Consensus<unknown>): void {
    consensus.handle(sessionMethod, async (body) => {
      await consensus.propose(body);
      return new Uint8Array(0);
    });
  }

  /**
   * A new session on this member, which need not lead. Rejects with NO_LEADER, BUSY, TIMEOUT and the like; opening again does no harm.
   */
  async open(consensus: Consensus<unknown>, options: SessionOptions = {}): Promise<Session<Result>> {
    const { clock = systemClock, timeoutMs = 10_000, random = randomBytes } = options;
    const nonce = Buffer.from(random(nonceBytes)).toString('hex');
    const send = (key: string, bytes: Uint8Array): Promise<SessionOutcome<Result>> => {
      const applied = new Promise<SessionOutcome<Result>>((resolve) => this.#waiting.set(key, resolve));
      const committed = commitSomewhere({ consensus, clock, timeoutMs, bytes, applied });
      return committed.finally(() => this.#waiting.delete(key));
    };
    const opened = await send(nonce, encodeOpen(nonce));
    if (opened.kind !== 'opened') throw new Error('a session was opened with another answer');
    return new Session(opened.session, this.#maxPending, send);
  }

  /** The table, and the first of the machine's pieces, are of the turn in which the first is asked for. */
  *#snapshot(form: ResultForm<Result>): Iterable<Uint8Array> {
    const table = encodeSessions(this.#table.all(), form);
    const content = this.#machine.snapshot!();
    const pieces = (content instanceof Uint8Array ? [content] : content)[Symbol.iterator]();
    const first = pieces.next();
    yield Buffer.concat([numbers(table.byteLength), table]);
    for (let piece = first; piece.done !== true; piece = pieces.next()) yield piece.value;
  }

  async #restore(snapshot: Uint8Array, form: ResultForm<Result>): Promise<void> {
    const reader = new Reader(snapshot);
    const sessions = decodeSessions(reader.bytes(reader.number()), form);
    await this.#machine.restore!(reader.rest());
    this.#table.replace(sessions);
    // Of commands that were applied elsewhere, and come here with the state instead of the log.
    for (const key of this.#waiting.keys()) {
      const [session, sequence] = key.split('/').map(Number);
      const reply = sequence === undefined ? null : this.#table.replyTo(session!, sequence);
      if (reply !== null) this.#tell(key, reply);
    }
  }

  #tell(key: string, outcome: SessionOutcome<Result>): SessionOutcome<Result> {
    this.#waiting.get(key)?.(outcome);
    return outcome;
  }
}
