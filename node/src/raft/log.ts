import { invariant } from '../lib/invariant.ts';
import type { Entry } from './types.ts';

/**
 * What an entry weighs in every limit beyond its data. Without it, empty entries would weigh nothing and a window in bytes
 * would not bound their number; 64 is about the frame of an entry on the wire and in the log.
 */
export const ENTRY_OVERHEAD_BYTES = 64;

export function entryBytes(entry: Entry): number {
  return entry.data.byteLength + ENTRY_OVERHEAD_BYTES;
}

/** A position in a log: what voters compare (Raft paper 5.4.1). */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/**
 * The replicated log in memory, contiguous from index 1, and how much of it is durable here. Compaction will give it a base
 * (index and term of the snapshot) in place of the fixed 0.
 */
export class Log {
  readonly #entries: Entry[];
  #durableIndex: number;
  /** Batches on their way to disk, oldest first, and the last entry that each will have made durable. */
  readonly #writing: { readonly ticket: number; readonly sinceMs: number; upTo: number }[] = [];

  constructor(recovered: readonly Entry[]) {
    recovered.forEach((entry, at) => {
      invariant(entry.index === at + 1, `recovered entry ${entry.index} stands at place ${at + 1} of the log`);
    });
    this.#entries = [...recovered];
    this.#durableIndex = recovered.length;
  }

  get lastIndex(): number {
    return this.#entries.length;
  }

  get last(): LogPosition {
    return { index: this.lastIndex, term: this.#entries.at(-1)?.term ?? 0 };
  }

  /** The last index this node may acknowledge to itself: on disk, and not replaced since (raft.md R9, R10). */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** When the oldest batch that is not on disk yet was handed over; null when all are. */
  get writingSinceMs(): number | null {
    return this.#writing[0]?.sinceMs ?? null;
  }

  /** 0 for the place before the first entry, null beyond the end. */
  termAt(index: number): number | null {
    if (index === 0) return 0;
    return this.#entries[index - 1]?.term ?? null;
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(entry.index === this.lastIndex + 1, `entry ${entry.index} does not follow ${this.lastIndex}`);
      invariant(entry.term >= this.last.term, `entry ${entry.index} lowers the term of the log`);
      this.#entries.push(entry);
    }
  }

  /** Forgets entries from `index` on. What is under way to disk of them no longer counts, even if rewritten (R9). */
  truncateFrom(index: number): void {
    this.#entries.length = index - 1;
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
    for (const batch of this.#writing) batch.upTo = Math.min(batch.upTo, index - 1);
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
    const picked: Entry[] = [];
    let bytes = 0;
    for (let at = from - 1; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at]!;
      bytes += entryBytes(entry);
      if (picked.length > 0 && bytes > maxBytes) break;
      picked.push(entry);
    }
    return picked;
  }

  /** Entries in (after, upTo]. */
  between(after: number, upTo: number): Entry[] {
    return this.#entries.slice(after, upTo);
  }

  /**
   * The last index not above `index` whose term is not above `term`: where logs can still agree, given that one of them has
   * `term` at `index`. Each side skips whole terms with it, so a probe repairs a term (etcd findConflictByTerm; R7).
   */
  lastNotAbove(position: LogPosition): LogPosition {
    let index = Math.min(position.index, this.lastIndex);
    while (index > 0 && this.termAt(index)! > position.term) index -= 1;
    return { index, term: this.termAt(index)! };
  }

  /** Whether a log that ends at `other` is at least as up to date as this one: the term first, then the index (E2). */
  isCoveredBy(other: LogPosition): boolean {
    const { index, term } = this.last;
    return other.term > term || (other.term === term && other.index >= index);
  }
}
