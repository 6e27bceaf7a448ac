import { TuttiError } from '../lib/errors.ts';
import type { ProposalOutcome, RaftInput, RaftLimits } from '../raft/core.ts';
import type { Entry, NodeId } from '../raft/types.ts';

/**
 * Proposals that wait for their outcome, appended or not. A controller has a handful; ten thousand is a caller that does
 * not wait for answers, and refusing it early keeps the memory of this node its own.
 */
export const maxPendingProposals = 10_000;

export interface Proposed<Result> {
  readonly index: number;
  readonly result: Result;
}

interface Waiter<Result> {
  readonly data: Uint8Array;
  readonly resolve: (proposed: Proposed<Result>) => void;
  readonly reject: (error: TuttiError) => void;
}

export interface ProposalsOptions {
  readonly feed: (input: RaftInput, settle: (outcome: ProposalOutcome) => void) => void;
  readonly defer: (callback: () => void) => void;
  readonly limits: RaftLimits;
  /** The disk of this node holds something that is not durable yet. */
  readonly isWriting: () => boolean;
  readonly committedIndex: () => number;
}

/**
 * From a command to its result. All that is proposed in one turn of the event loop becomes one input of the core, so one
 * write and one message to each peer; what comes while those are neither durable here nor committed waits for that, since this
 * disk could not begin with it sooner (ADR 50). What was appended resolves by (index, term); every other way out is an error that
 * says whether the command may still commit (H3).
 */
export class Proposals<Result> {
  readonly #options: ProposalsOptions;
  readonly #appended = new Map<number, { readonly term: number; readonly waiter: Waiter<Result> }>();
  #waiting: Waiter<Result>[] = [];
  #waitingBytes = 0;
  /** The last index that a proposal of this leadership was given. */
  #lastIndex = 0;
  #isHeld = false;
  #stopped = false;

  constructor(options: ProposalsOptions) {
    this.#options = options;
  }

  propose(data: Uint8Array): Promise<Proposed<Result>> {
    const refusal = this.#refusal(data);
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ data, resolve, reject });
      this.#waitingBytes += data.byteLength;
      if (this.#waiting.length === 1) this.#options.defer(() => this.#flushOrHold());
    });
  }

  /** The engine has nothing more to do for now: what was held may go. */
  release(): void {
    if (this.#isHeld) this.#flushOrHold();
  }

  applied(entry: Entry, result: { readonly value: Result } | null): void {
    const appended = this.#appended.get(entry.index);
    if (appended === undefined) return;
    this.#appended.delete(entry.index);
    if (appended.term === entry.term && result !== null) {
      appended.waiter.resolve({ index: entry.index, result: result.value });
    } else {
      const isOwn = appended.term === entry.term;
      const why = isOwn ? 'a snapshot holds what it did' : `index ${entry.index} holds an entry of term ${entry.term}`;
      appended.waiter.reject(unknownOutcome(entry.index, why));
    }
  }

  /** What is committed already will be applied here and resolve; the rest is now up to another leader. */
  leadershipLost(committedIndex: number, reason: string): void {
    this.#lastIndex = 0;
    for (const [index, { waiter }] of this.#appended) {
      if (index <= committedIndex) continue;
      this.#appended.delete(index);
      waiter.reject(unknownOutcome(index, `this node lost the leadership (${reason})`));
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const waiter of this.#take()) waiter.reject(shuttingDown());
    for (const [index, { waiter }] of this.#appended)
      waiter.reject(unknownOutcome(index, 'this node is shutting down'));
    this.#appended.clear();
  }

  #refusal(data: Uint8Array): TuttiError | null {
    const { maxProposalBytes, maxUncommittedBytes } = this.#options.limits;
    if (this.#stopped) return shuttingDown();
    if (data.byteLength > maxProposalBytes) {
      return new TuttiError(
        'TOO_LARGE',
        `a command of ${data.byteLength} bytes exceeds the ${maxProposalBytes} allowed`,
      );
    }
    if (this.#waiting.length + this.#appended.size >= maxPendingProposals) {
      return new TuttiError('BUSY', `${maxPendingProposals} proposals wait for their outcome already`);
    }
    if (this.#waiting.length > 0 && this.#waitingBytes + data.byteLength > maxUncommittedBytes) {
      return new TuttiError('BUSY', `${this.#waitingBytes} bytes of proposals wait to be appended already`);
    }
    return null;
  }

  #take(): Waiter<Result>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }

  #flushOrHold(): void {
    const { committedIndex, isWriting } = this.#options;
    this.#isHeld = !this.#stopped && this.#lastIndex > committedIndex() && isWriting();
    if (!this.#isHeld) this.#flush();
  }

  #flush(): void {
    const waiting = this.#take();
    for (const batch of inBatches(waiting, this.#options.limits.maxAppendBytes)) {
      const data = batch.map((waiter) => waiter.data);
      this.#options.feed({ kind: 'propose', data }, (outcome) => this.#settle(batch, outcome));
    }
    // A stopped engine takes no input and gives no outcome.
    if (this.#stopped) for (const waiter of waiting) waiter.reject(shuttingDown());
  }

  #settle(batch: readonly Waiter<Result>[], outcome: ProposalOutcome): void {
    if (outcome.accepted) {
      for (const [offset, waiter] of batch.entries()) {
        this.#appended.set(outcome.firstIndex + offset, { term: outcome.term, waiter });
      }
      this.#lastIndex = outcome.firstIndex + batch.length - 1;
      return;
    }
    const error = refused(outcome);
    for (const waiter of batch) waiter.reject(error);
  }
}

/** Batches of at most `maxBytes`, in order; a larger single command goes alone. */
function inBatches<Result>(waiting: readonly Waiter<Result>[], maxBytes: number): Waiter<Result>[][] {
  const batches: Waiter<Result>[][] = [];
  let bytes = Infinity;
  for (const waiter of waiting) {
    bytes += waiter.data.byteLength;
    if (bytes > maxBytes) {
      batches.push([]);
      bytes = waiter.data.byteLength;
    }
    batches.at(-1)!.push(waiter);
  }
  return batches;
}

export function notLeader(leaderId: NodeId | null): TuttiError {
  const message = leaderId === null ? 'no leader is known' : `this node does not lead; "${leaderId}" does`;
  return new TuttiError('NOT_LEADER', message);
}

function refused(outcome: ProposalOutcome & { readonly accepted: false }): TuttiError {
  switch (outcome.reason) {
    case 'notLeader':
      return notLeader(outcome.leaderId);
    case 'notReady':
      return new TuttiError('BUSY', 'this node was just elected and has committed nothing in its term yet; try again');
    case 'transferring':
      return new TuttiError('BUSY', 'this node is handing the leadership over; try again');
    case 'busy':
      return new TuttiError('BUSY', 'too many bytes are appended and not yet committed; try again');
    case 'tooLarge':
      return new TuttiError('TOO_LARGE', 'the command exceeds the bytes allowed for one proposal');
  }
}

function unknownOutcome(index: number, why: string): TuttiError {
  return new TuttiError('OUTCOME_UNKNOWN', `the command appended at index ${index} may or may not commit: ${why}`);
}

function shuttingDown(): TuttiError {
  return new TuttiError('SHUTTING_DOWN', 'this node is shutting down; the command was not appended');
}
