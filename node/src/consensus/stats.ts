import { TuttiError } from '../lib/errors.ts';
import type { RaftEvent } from '../raft/core.ts';
import type { Role } from '../raft/types.ts';

/** How long something took, of all that ended. */
export interface Durations {
  readonly count: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

/** What a member has done since it was opened. Every number only grows, but `mean`. */
export interface ConsensusStats {
  readonly uptimeMs: number;
  /** Asked of this member. `unknown`: they ended with OUTCOME_UNKNOWN; `latency` is of those that were committed. */
  readonly proposals: {
    readonly committed: number;
    readonly refused: number;
    readonly unknown: number;
    readonly latency: Durations;
  };
  /** Asked of this member, by whatever consistency. */
  readonly reads: { readonly answered: number; readonly refused: number; readonly latency: Durations };
  /** Campaigns of this member: begun by a pre-vote or on a leader's word, won, and given up. */
  readonly elections: { readonly started: number; readonly won: number; readonly lost: number };
  readonly votes: { readonly granted: number; readonly refused: number };
  readonly leaderChanges: number;
  readonly transfers: { readonly started: number; readonly failed: number };
  /** Entries written to this member's log, whoever proposed them, and their data. */
  readonly log: { readonly appended: number; readonly appendedBytes: number; readonly committed: number };
  /** Batches given to the log store, each from there to durable: a sync, and what it waited for the one before. */
  readonly disk: { readonly batches: number; readonly syncs: Durations };
  /** Messages of Raft; `dropped`: not connected, or too much was queued. */
  readonly messages: { readonly sent: number; readonly dropped: number; readonly received: number };
}

class Timer {
  #count = 0;
  #totalMs = 0;
  #maxMs = 0;

  add(ms: number): void {
    this.#count += 1;
    this.#totalMs += ms;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  get durations(): Durations {
    return { count: this.#count, meanMs: this.#count === 0 ? 0 : this.#totalMs / this.#count, maxMs: this.#maxMs };
  }
}

/** Counts for `stats()`. */
export class Stats {
  readonly #nowMs: () => number;
  readonly #sinceMs: number;
  readonly #proposals = { committed: 0, refused: 0, unknown: 0, latency: new Timer() };
  readonly #reads = { answered: 0, refused: 0, latency: new Timer() };
  readonly #elections = { started: 0, won: 0, lost: 0 };
  readonly #votes = { granted: 0, refused: 0 };
  readonly #transfers = { started: 0, failed: 0 };
  readonly #log = { appended: 0, appendedBytes: 0, committed: 0 };
  readonly #disk = { batches: 0, syncs: new Timer() };
  readonly #messages = { sent: 0, dropped: 0, received: 0 };
  #leaderChanges = 0;
  #role: Role = 'follower';

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  get all(): ConsensusStats {
    return {
      uptimeMs: this.#nowMs() - this.#sinceMs,
      proposals: { ...this.#proposals, latency: this.#proposals.latency.durations },
      reads: { ...this.#reads, latency: this.#reads.latency.durations },
      elections: { ...this.#elections },
      votes: { ...this.#votes },
      leaderChanges: this.#leaderChanges,
      transfers: { ...this.#transfers },
      log: { ...this.#log },
      disk: { batches: this.#disk.batches, syncs: this.#disk.syncs.durations },
      messages: { ...this.#messages },
    };
  }

  /** Watches how a proposal ends; the caller gets the promise it gave. */
  proposal<Value>(outcome: Promise<Value>): Promise<Value> {
    const sinceMs = this.#nowMs();
    outcome.then(
      () => {
        this.#proposals.committed += 1;
        this.#proposals.latency.add(this.#nowMs() - sinceMs);
      },
      (error: unknown) => {
        if (TuttiError.from(error).code === 'OUTCOME_UNKNOWN') this.#proposals.unknown += 1;
        else this.#proposals.refused += 1;
      },
    );
    return outcome;
  }

  read<Value>(outcome: Promise<Value>): Promise<Value> {
    const sinceMs = this.#nowMs();
    outcome.then(
      () => {
        this.#reads.answered += 1;
        this.#reads.latency.add(this.#nowMs() - sinceMs);
      },
      () => (this.#reads.refused += 1),
    );
    return outcome;
  }

  appended(entries: number, bytes: number): void {
    this.#log.appended += entries;
    this.#log.appendedBytes += bytes;
  }

  committed(entries: number): void {
    this.#log.committed += entries;
  }

  batch(): void {
    this.#disk.batches += 1;
  }

  durable(tookMs: number): void {
    this.#disk.syncs.add(tookMs);
  }

  message(what: 'sent' | 'dropped' | 'received'): void {
    this.#messages[what] += 1;
  }

  happened(event: RaftEvent): void {
    switch (event.kind) {
      case 'roleChanged':
        return this.#roleChanged(event.role);
      case 'electionWon':
        this.#elections.won += 1;
        return;
      case 'voteCast':
        this.#votes[event.granted ? 'granted' : 'refused'] += 1;
        return;
      case 'leaderChanged':
        if (event.leaderId !== null) this.#leaderChanges += 1;
        return;
      case 'transferStarted':
        this.#transfers.started += 1;
        return;
      case 'transferFailed':
        this.#transfers.failed += 1;
        return;
      case 'membershipChanged':
      case 'deadRemoved':
      case 'removed':
      case 'compacted':
      case 'snapshotNeeded':
      case 'snapshotInstalled':
      case 'heartbeatFailed':
      case 'heartbeatResumed':
      case 'truncated':
      case 'peerRefused':
        return;
    }
  }

  #roleChanged(role: Role): void {
    const before = this.#role;
    this.#role = role;
    if (before === 'follower' && role !== 'leader') this.#elections.started += 1;
    if (before !== 'leader' && role === 'follower') this.#elections.lost += 1;
  }
}
