import { TuttiError } from '../lib/errors.ts';
import { invariant } from '../lib/invariant.ts';
import type { RaftCore, RaftInput, ReadOutcome } from '../raft/core.ts';
import type { NodeId } from '../raft/types.ts';
import { notLeader } from './proposals.ts';
import { shuttingDown } from './requests.ts';

/** Reads that wait for the core or for `apply`: a caller that does not wait for answers is refused early. */
export const maxPendingReads = 10_000;

/** What a follower asks the leader for: a byte that says whether a lease is enough. The answer is the index, 8 bytes, big-endian. */
export const readIndexMethod = 'consensus.readIndex';

export interface ReadsOptions {
  readonly hasLease: boolean;
  readonly core: RaftCore;
  /** Bounds the question to the leader: one that does not answer within its own check-quorum leads no more. */
  readonly timeoutMs: () => number;
  readonly request: (to: NodeId, method: string, body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  readonly feed: (input: RaftInput) => void;
  readonly appliedIndex: () => number;
}

interface Waiter {
  readonly resolve: (index: number) => void;
  readonly reject: (error: TuttiError) => void;
}

/**
 * From the wish to read to the moment when the state machine of this node may be read: once it has applied what was committed when
 * the wish arrived (Raft thesis 6.4).
 */
export class Reads {
  readonly #options: ReadsOptions;
  /** Asked of the core, by number. */
  readonly #asked = new Map<number, Waiter>();
  /** Index known, not applied here yet; in the order of the index, as it never goes back. */
  #unapplied: { readonly index: number; readonly waiter: Waiter }[] = [];
  #lastReadId = 0;
  #stopped = false;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  /** Resolves once the state machine of this node may be read, on any member. */
  async ready(consistency: 'linearizable' | 'lease' | 'stale'): Promise<void> {
    if (consistency === 'stale') {
      if (this.#stopped) throw shuttingDown();
      return;
    }
    const byLease = consistency === 'lease';
    if (byLease && !this.#options.hasLease) {
      throw new TuttiError('SETTINGS_INVALID', 'this member was opened without `lease`, so none can be read by');
    }
    await this.#applied(await this.#indexOfLeader(byLease));
  }

  /** The leader's answer to `readIndexMethod`. */
  async serve(asked: Uint8Array): Promise<Uint8Array> {
    const answer = Buffer.alloc(8);
    answer.writeBigUInt64BE(BigInt(await this.#index(asked[0] === 1)));
    return answer;
  }

  async #indexOfLeader(byLease: boolean): Promise<number> {
    const { core, request, timeoutMs } = this.#options;
    const { role, leaderId } = core.status();
    if (role === 'leader') return this.#index(byLease);
    if (leaderId === null) throw notLeader(null);
    const answer = await request(leaderId, readIndexMethod, Uint8Array.of(byLease ? 1 : 0), timeoutMs());
    invariant(answer.byteLength === 8, `${leaderId} answers a read with ${answer.byteLength} bytes`);
    return Number(Buffer.from(answer).readBigUInt64BE());
  }

  /** Of the leader: the index that a read which arrives now must see. Rejects with NOT_LEADER, BUSY or SHUTTING_DOWN. */
  #index(byLease: boolean): Promise<number> {
    if (this.#stopped) return Promise.reject(shuttingDown());
    if (this.#asked.size + this.#unapplied.length >= maxPendingReads) {
      return Promise.reject(new TuttiError('BUSY', `${maxPendingReads} reads wait already`));
    }
    return new Promise((resolve, reject) => {
      const readId = ++this.#lastReadId;
      this.#asked.set(readId, { resolve, reject });
      this.#options.feed({ kind: 'read', readId, byLease });
    });
  }

  #applied(index: number): Promise<number> {
    if (this.#stopped) return Promise.reject(shuttingDown());
    if (index <= this.#options.appliedIndex()) return Promise.resolve(index);
    return new Promise((resolve, reject) => {
      this.#unapplied.push({ index, waiter: { resolve, reject } });
    });
  }

  onOutcome(outcome: ReadOutcome): void {
    const waiter = this.#asked.get(outcome.readId);
    this.#asked.delete(outcome.readId);
    if (outcome.accepted) waiter?.resolve(outcome.index);
    else waiter?.reject(notLeader(outcome.leaderId));
  }

  onApplied(appliedIndex: number): void {
    if (this.#unapplied.length === 0) return;
    const ready = this.#unapplied.filter(({ index }) => index <= appliedIndex);
    this.#unapplied = this.#unapplied.filter(({ index }) => index > appliedIndex);
    for (const { index, waiter } of ready) waiter.resolve(index);
  }

  stop(): void {
    this.#stopped = true;
    const waiters = [...this.#asked.values(), ...this.#unapplied.map(({ waiter }) => waiter)];
    this.#asked.clear();
    this.#unapplied = [];
    for (const waiter of waiters) waiter.reject(shuttingDown());
  }
}
