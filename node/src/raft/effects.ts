import { invariant } from '../lib/invariant.ts';
import type { ChangeOutcome, Effects, ProposalOutcome, RaftEvent, ReadOutcome } from './core.ts';
import type { Message } from './messages.ts';
import type { Entry, HardState, LogPosition, NodeId, PersistBatch } from './types.ts';

/**
 * Whether a message promises something that must be on this node's disk before it leaves. Votes and acknowledgements do
 * (Raft paper, figure 2). So does a vote request: it states the end of a log, and a grant that it earned must not reach a
 * later life of the candidate that lost the end it stated, in the same term (ADR 0010).
 */
export function carriesPromise(message: Message): boolean {
  switch (message.kind) {
    case 'voteRequest':
      return !message.preVote;
    case 'voteResponse':
      return message.granted && !message.preVote;
    case 'appendResponse':
      return message.success;
    case 'timeoutNow':
    case 'appendRequest':
    case 'heartbeat':
    case 'heartbeatResponse':
      return false;
  }
}

/** Collects what one step brings about. The durability rule stands in one place: `send`. */
export class EffectsBuilder {
  #lastTicket = 0;
  #hardState: HardState | null = null;
  #truncateFrom: number | null = null;
  #base: LogPosition | null = null;
  #entries: Entry[] = [];
  #sendNow: Message[] = [];
  #sendAfterPersist: Message[] = [];
  #committed: readonly Entry[] = [];
  #sendSnapshots: NodeId[] = [];
  #events: RaftEvent[] = [];
  #reads: ReadOutcome[] = [];
  #proposal: ProposalOutcome | null = null;
  #change: ChangeOutcome | null = null;

  /** The ticket under which what this step writes becomes durable. */
  get ticket(): number {
    return this.#lastTicket + 1;
  }

  saveHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  truncateFrom(index: number): void {
    invariant(this.#entries.length === 0, 'a step truncates before it appends');
    this.#truncateFrom = index;
  }

  saveBase(base: LogPosition): void {
    invariant(this.#entries.length === 0, 'a step compacts before it appends');
    this.#base = base;
  }

  saveEntries(entries: readonly Entry[]): void {
    this.#entries.push(...entries);
  }

  send(message: Message): void {
    (carriesPromise(message) ? this.#sendAfterPersist : this.#sendNow).push(message);
  }

  commit(entries: readonly Entry[]): void {
    this.#committed = this.#committed.length === 0 ? entries : [...this.#committed, ...entries];
  }

  sendSnapshot(to: NodeId): void {
    this.#sendSnapshots.push(to);
  }

  emit(event: RaftEvent): void {
    this.#events.push(event);
  }

  answer(outcome: ProposalOutcome): void {
    this.#proposal = outcome;
  }

  answerChange(outcome: ChangeOutcome): void {
    this.#change = outcome;
  }

  answerRead(outcome: ReadOutcome): void {
    this.#reads.push(outcome);
  }

  /** Hands out the effects of the step and starts afresh. */
  finish(): Effects {
    const effects: Effects = {
      persist: this.#batch(),
      sendNow: this.#sendNow,
      sendAfterPersist: this.#sendAfterPersist,
      committed: this.#committed,
      sendSnapshots: this.#sendSnapshots,
      events: this.#events,
      reads: this.#reads,
      proposal: this.#proposal,
      change: this.#change,
    };
    this.#hardState = null;
    this.#truncateFrom = null;
    this.#base = null;
    this.#entries = [];
    this.#sendNow = [];
    this.#sendAfterPersist = [];
    this.#committed = [];
    this.#sendSnapshots = [];
    this.#events = [];
    this.#reads = [];
    this.#proposal = null;
    this.#change = null;
    return effects;
  }

  #batch(): PersistBatch | null {
    const isEmpty = this.#hardState === null && this.#truncateFrom === null && this.#base === null;
    if (isEmpty && this.#entries.length === 0) return null;
    invariant(this.#base === null || this.#hardState !== null, 'a base is saved with the hard state');
    this.#lastTicket += 1;
    return {
      ticket: this.#lastTicket,
      hardState: this.#hardState,
      truncateFrom: this.#truncateFrom,
      base: this.#base,
      entries: this.#entries,
    };
  }
}
