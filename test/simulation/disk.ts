import { emptyHardState } from '../../node/src/raft/types.ts';
import type { Entry, HardState, PersistBatch } from '../../node/src/raft/types.ts';
import type { Random } from './random.ts';

/** What a node would find after a crash. */
export class DurableState {
  hardState: HardState = emptyHardState;
  entries: Entry[] = [];

  apply(batch: PersistBatch): void {
    if (batch.hardState !== null) this.hardState = batch.hardState;
    if (batch.truncateFrom !== null) this.entries.length = Math.min(this.entries.length, batch.truncateFrom - 1);
    this.entries.push(...batch.entries);
  }

  holds(entry: Entry): boolean {
    return this.entries[entry.index - 1]?.term === entry.term;
  }

  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? 0;
  }
}

/** A disk that keeps at a crash what was synced and, of the rest, any prefix of whole batches: each has one checksum. */
export class SimulatedDisk {
  durable = new DurableState();
  /** Tickets begin anew with each life of the core. */
  durableTicket = 0;
  #unsynced: PersistBatch[] = [];
  #syncingUpTo: number | null = null;

  write(batch: PersistBatch): void {
    this.#unsynced.push(batch);
  }

  /** Starts to sync all that was written so far. Null: a sync is under way, or there is nothing to sync. */
  beginSync(): number | null {
    if (this.#syncingUpTo !== null || this.#unsynced.length === 0) return null;
    this.#syncingUpTo = this.#unsynced.at(-1)!.ticket;
    return this.#syncingUpTo;
  }

  endSync(): number {
    const upTo = this.#syncingUpTo!;
    while (this.#unsynced.length > 0 && this.#unsynced[0]!.ticket <= upTo) this.durable.apply(this.#unsynced.shift()!);
    this.durableTicket = upTo;
    this.#syncingUpTo = null;
    return upTo;
  }

  crash(random: Random): void {
    const survives = Math.floor(random.next() * (this.#unsynced.length + 1));
    for (const batch of this.#unsynced.slice(0, survives)) this.durable.apply(batch);
    this.#unsynced = [];
    this.#syncingUpTo = null;
    this.durableTicket = 0;
  }
}
