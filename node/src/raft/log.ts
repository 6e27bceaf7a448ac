import { invariant } from '../lib/invariant.ts';
import type { Entry, LogPosition } from './types.ts';

/**
 * What an entry weighs in every limit beyond its data. Without it, empty entries would weigh nothing and a window in bytes
 * would not bound their number; 64 is about the frame of an entry on the wire and in the log.
 */
export const ENTRY_OVERHEAD_BYTES = 64;

export function entryBytes(entry: Entry): number {
  return entry.data.byteLength + ENTRY_OVERHEAD_BYTES;
}

/**
 * The replicated log in memory, contiguous from behind its base, and how much of it is durable here. The base is the last entry
 * that is gone because a snapshot holds what it did; 0 of term 0 before there is one.
 */
export class Log {
  #base: LogPosition;
  #entries: Entry[];
  #durableIndex: number;
  /** Batches on their way to disk, oldest first, and the last entry that each will have made durable. */
  readonly #writing: { readonly ticket: number; readonly sinceMs: number; upTo: number }[] = [];

  constructor(base: LogPosition, recovered: readonly Entry[]) {
    recovered.forEach((entry, at) => {
      const index = base.index + at + 1;
      invariant(entry.index === index, `recovered entry ${entry.index} stands at place ${index} of the log`);
    });
    this.#base = base;
    this.#entries = [...recovered];
    this.#durableIndex = this.lastIndex;
  }

  get base(): LogPosition {
    return this.#base;
  }

  get lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  get last(): LogPosition {
    return { index: this.lastIndex, term: this.#entries.at(-1)?.term ?? this.#base.term };
  }

  /** The last index this node may acknowledge to itself: on disk, and not replaced since (raft.md R9, R10). */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** When the oldest batch that is not on disk yet was handed over; null when all are. */
  get writingSinceMs(): number | null {
    return this.#writing[0]?.sinceMs ?? null;
  }

  /** 0 for the place before the first entry; null before the base and beyond the end. */
  termAt(index: number): number | null {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term ?? null;
  }

  append(entries: readonly Entry[]): void {
    let { index, term } = this.last;
    for (const entry of entries) {
      // The sentences are made only for who breaks them: this is on the way of every entry.
      if (entry.index !== index + 1) invariant(false, `entry ${entry.index} does not follow ${index}`);
      if (entry.term < term) invariant(false, `entry ${entry.index} lowers the term of the log`);
      this.#entries.push(entry);
      ({ index, term } = entry);
    }
  }

  /** Forgets entries from `index` on. What is under way to disk of them no longer counts, even if rewritten (R9). */
  truncateFrom(index: number): void {
    invariant(index > this.#base.index, `entry ${index} is in a snapshot, and so committed`);
    this.#entries.length = index - this.#base.index - 1;
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
    for (const batch of this.#writing) batch.upTo = Math.min(batch.upTo, index - 1);
  }

  /** Forgets entries up to and including `index`, of which a durable snapshot holds what they did. */
  compact(index: number): void {
    const term = this.termAt(index);
    invariant(term !== null, `entry ${index} is not in this log`);
    this.#entries = this.#entries.slice(index - this.#base.index);
    this.#base = { index, term };
    this.#durableIndex = Math.max(this.#durableIndex, index);
  }

  /** Begins anew behind `base`, whose snapshot is durable. What is under way to disk is of the log before (R9). */
  reset(base: LogPosition): void {
    this.#base = base;
    this.#entries = [];
    this.#durableIndex = base.index;
    for (const batch of this.#writing) batch.upTo = base.index;
  }

  /** The batch of this ticket, handed over at `sinceMs`, covers the log as it stands now once it is durable. */
  writing(ticket: number, sinceMs: number): void {
    this.#writing.push({ ticket, sinceMs, upTo: this.lastIndex });
  }

  persisted(ticket: number): void {
    while (this.#writing.length > 0 && this.#writing[0]!.ticket <= ticket) {
      this.#durableIndex = Math.max(this.#durableIndex, this.#writing.shift()!.upTo);
    }
  }

  /** Entries from `from` on, to at most `maxBytes`; a first entry larger than that comes alone (raft.md H1). */
  slice(from: number, maxBytes: number): Entry[] {
    invariant(from > this.#base.index, `entry ${from} is gone from this log`);
    const picked: Entry[] = [];
    let bytes = 0;
    for (let at = from - this.#base.index - 1; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at]!;
      bytes += entryBytes(entry);
      if (picked.length > 0 && bytes > maxBytes) break;
      picked.push(entry);
    }
    return picked;
  }

  /** Entries in (after, upTo]. */
  between(after: number, upTo: number): Entry[] {
    invariant(after >= this.#base.index, `entry ${after + 1} is gone from this log`);
    return this.#entries.slice(after - this.#base.index, upTo - this.#base.index);
  }

  /** The lowest index behind which the entries up to `index` weigh at most `maxBytes`. */
  trailingFrom(index: number, maxBytes: number): number {
    let from = index;
    let bytes = 0;
    while (from > this.#base.index) {
      bytes += entryBytes(this.#entries[from - this.#base.index - 1]!);
      if (bytes > maxBytes) break;
      from -= 1;
    }
    return from;
  }

  /**
   * The last index not above `position` whose term is not above its: where logs can still agree, given that one of them has that
   * term there. Each side skips whole terms with it, so a probe repairs a term (etcd findConflictByTerm; R7). Before the base
   * this log knows no terms, and takes what it is given.
   */
  lastNotAbove(position: LogPosition): LogPosition {
    let index = Math.min(position.index, this.lastIndex);
    while (index > 0 && (this.termAt(index) ?? 0) > position.term) index -= 1;
    return { index, term: this.termAt(index) ?? position.term };
  }

  /** Whether a log that ends at `other` is at least as up to date as this one: the term first, then the index (E2). */
  isCoveredBy(other: LogPosition): boolean {
    const { index, term } = this.last;
    return other.term > term || (other.term === term && other.index >= index);
  }
}
