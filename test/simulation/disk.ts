import { emptyHardState } from '../../node/src/raft/types.ts';
import type { Entry, HardState, LogPosition, PersistBatch } from '../../node/src/raft/types.ts';
import type { Random } from './random.ts';
import type { SimulatedSnapshot } from './snapshots.ts';

/** What a node would find after a crash. */
export class DurableState {
  hardState: HardState = emptyHardState;
  snapshot: SimulatedSnapshot | null = null;
  base: LogPosition = { index: 0, term: 0 };
  entries: Entry[] = [];

  apply(batch: PersistBatch): void {
    if (batch.hardState !== null) this.hardState = batch.hardState;
    if (batch.truncateFrom !== null) {
      this.entries.length = Math.min(this.entries.length, Math.max(0, batch.truncateFrom - 1 - this.base.index));
    }
    if (batch.base !== null) {
      this.entries = this.entries.slice(batch.base.index - this.base.index);
      this.base = batch.base;
    }
    this.entries.push(...batch.entries);
  }

  termAt(index: number): number | undefined {
    return index === this.base.index ? this.base.term : this.entries[index - this.base.index - 1]?.term;
  }

  holds({ index, term }: Entry): boolean {
    const { snapshot } = this;
    if (snapshot !== null && index <= snapshot.metadata.index) return snapshot.entries[index - 1]!.term === term;
    return !this.isReplaced && this.termAt(index) === term;
  }

  /** Where the log ends, as a core that recovers takes it: behind a snapshot that it does not join on to, it begins anew. */
  get last(): LogPosition {
    if (this.isReplaced) return this.snapshot!.metadata;
    const index = this.base.index + this.entries.length;
    return { index, term: this.termAt(index)! };
  }

  get isReplaced(): boolean {
    const metadata = this.snapshot?.metadata;
    return metadata !== undefined && this.termAt(metadata.index) !== metadata.term && metadata.index > this.base.index;
  }
}

/** A disk that keeps at a crash what was synced and, of the rest, any prefix of whole batches: each has one checksum. */
export class SimulatedDisk {
  durable = new DurableState();
  /** Tickets begin anew with each life of the core. */
  durableTicket = 0;
  #unsynced: PersistBatch[] = [];
  #syncingUpTo: number | null = null;
  /** Written under other names; a name is given after the sync, so a crash loses one or keeps it whole. */
  readonly #unsyncedSnapshots = new Set<SimulatedSnapshot>();

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

  writeSnapshot(snapshot: SimulatedSnapshot): void {
    this.#unsyncedSnapshots.add(snapshot);
  }

  endSnapshotSync(snapshot: SimulatedSnapshot): void {
    this.#unsyncedSnapshots.delete(snapshot);
    if (snapshot.metadata.index > (this.durable.snapshot?.metadata.index ?? 0)) this.durable.snapshot = snapshot;
  }

  crash(random: Random): void {
    const survives = Math.floor(random.next() * (this.#unsynced.length + 1));
    for (const batch of this.#unsynced.slice(0, survives)) this.durable.apply(batch);
    for (const snapshot of [...this.#unsyncedSnapshots]) if (random.chance(0.5)) this.endSnapshotSync(snapshot);
    this.#unsyncedSnapshots.clear();
    this.#unsynced = [];
    this.#syncingUpTo = null;
    this.durableTicket = 0;
  }
}
