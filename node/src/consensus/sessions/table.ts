import type { KeptSession } from './table-form.ts';

export interface SessionLimits {
  /** Beyond it the session whose last command lies furthest back in the log expires. */
  readonly maxSessions: number;
  /** Answers kept for one session, and so the commands it may have pending. */
  readonly maxPending: number;
}

/** A session costs some hundred bytes and its answers; the same on every member, or they would expire different ones. */
export const defaultSessionLimits: SessionLimits = { maxSessions: 10_000, maxPending: 256 };

export type SessionReply<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  /** Not applied: there is no such session, any more. */
  | { readonly kind: 'expired' }
  /** Not applied again: the client has said that it does not wait for the answer. */
  | { readonly kind: 'abandoned' }
  /** Not applied: more commands of the session are pending than answers are kept. */
  | { readonly kind: 'tooMany' };

export type SessionOutcome<Result> =
  | { readonly kind: 'opened'; readonly session: number }
  | SessionReply<Result>
  /** Nobody knows: the state came by a snapshot, in which the session is forgotten, and what the command did may be. */
  | { readonly kind: 'forgotten' };

interface Session<Result> {
  firstPending: number;
  readonly replies: Map<number, Result>;
}

/**
 * Which commands of which client were applied, and with what result (Raft thesis 6.3). A part of the replicated state: what happens to it
 * follows from the log alone, so also which session expires.
 */
export class SessionTable<Result> {
  readonly #limits: SessionLimits;
  /** The one used last comes last. */
  readonly #sessions = new Map<number, Session<Result>>();

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(session: number): void {
    this.#sessions.set(session, { firstPending: 1, replies: new Map() });
    if (this.#sessions.size <= this.#limits.maxSessions) return;
    const [oldest] = this.#sessions.keys();
    this.#sessions.delete(oldest!);
  }

  /** In the order of their last use, which is a part of the state. */
  *all(): Iterable<KeptSession<Result>> {
    for (const [id, { firstPending, replies }] of this.#sessions) yield { id, firstPending, replies };
  }

  replace(sessions: Iterable<KeptSession<Result>>): void {
    this.#sessions.clear();
    for (const { id, firstPending, replies } of sessions)
      this.#sessions.set(id, { firstPending, replies: new Map(replies) });
  }

  /** What is known of a command whose log was skipped; null: it was not applied, since its answer would be kept. */
  replyTo(session: number, sequence: number): SessionOutcome<Result> | null {
    const known = this.#sessions.get(session);
    if (known === undefined) return { kind: 'forgotten' };
    return known.replies.has(sequence) ? { kind: 'done', result: known.replies.get(sequence)! } : null;
  }

  /** `apply` is called unless the command was applied before, or must not be. */
  run(session: number, sequence: number, firstPending: number, apply: () => Result): SessionReply<Result> {
    const known = this.#sessions.get(session);
    if (known === undefined) return { kind: 'expired' };
    this.#sessions.delete(session);
    this.#sessions.set(session, known);
    known.firstPending = Math.max(known.firstPending, firstPending);
    for (const answered of known.replies.keys()) if (answered < known.firstPending) known.replies.delete(answered);
    if (sequence < known.firstPending) return { kind: 'abandoned' };
    if (known.replies.has(sequence)) return { kind: 'done', result: known.replies.get(sequence)! };
    if (known.replies.size >= this.#limits.maxPending) return { kind: 'tooMany' };
    const result = apply();
    known.replies.set(sequence, result);
    return { kind: 'done', result };
  }
}
