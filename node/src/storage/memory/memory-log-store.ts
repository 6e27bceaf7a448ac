import { TuttiError } from '../../lib/errors.ts';
import { invariant } from '../../lib/invariant.ts';
import { emptyHardState } from '../../raft/types.ts';
import type { Entry, HardState, LogPosition, PersistBatch } from '../../raft/types.ts';
import type { LogStore, RecoveredLog } from '../log-store.ts';

/** What outlives a store: give the same disk to the next one, and it is a restart. */
export class MemoryDisk {
  hardState: HardState = emptyHardState;
  base: LogPosition = { index: 0, term: 0 };
  entries: Entry[] = [];
  inUse = false;
}

export interface MemoryLogStoreOptions {
  readonly disk?: MemoryDisk;
  /** Awaited once per group of batches, as an fsync: holds durability back, or fails it. Default: at once. */
  readonly sync?: () => Promise<void>;
}

/** The in-memory twin of the write-ahead log, with its order, its group commit and its refusals. */
export class MemoryLogStore implements LogStore {
  readonly #disk: MemoryDisk;
  readonly #sync: () => Promise<void>;
  #queue: { readonly batch: PersistBatch; readonly settle: (error: TuttiError | null) => void }[] = [];
  #draining: Promise<void> | null = null;
  #isOpen = false;
  #failure: TuttiError | null = null;

  constructor({ disk = new MemoryDisk(), sync = () => Promise.resolve() }: MemoryLogStoreOptions = {}) {
    this.#disk = disk;
    this.#sync = sync;
  }

  open(): Promise<RecoveredLog> {
    if (this.#disk.inUse) return Promise.reject(new TuttiError('DATA_DIR_UNUSABLE', 'this disk is in use by a store'));
    this.#disk.inUse = true;
    this.#isOpen = true;
    const { hardState, base, entries } = this.#disk;
    return Promise.resolve({ hardState, base, entries: [...entries] });
  }

  append(batch: PersistBatch): Promise<void> {
    invariant(this.#isOpen, 'the store is open');
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const settle = (error: TuttiError | null): void => (error === null ? resolve() : reject(error));
      this.#queue.push({ batch, settle });
      this.#draining ??= this.#drain();
    });
  }

  /** Waits for what was given, then frees the disk. */
  async close(): Promise<void> {
    await this.#draining;
    this.#isOpen = false;
    this.#disk.inUse = false;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#queue;
      this.#queue = [];
      if (this.#failure === null) await this.#write(group.map(({ batch }) => batch));
      for (const { settle } of group) settle(this.#failure);
    }
    this.#draining = null;
  }

  async #write(batches: readonly PersistBatch[]): Promise<void> {
    try {
      await this.#sync();
    } catch (error) {
      this.#failure = new TuttiError('DISK_FAILED', 'the log could not be synced', { cause: error });
      return;
    }
    const disk = this.#disk;
    for (const { hardState, truncateFrom, base, entries } of batches) {
      if (hardState !== null) disk.hardState = hardState;
      if (truncateFrom !== null) disk.entries = disk.entries.filter(({ index }) => index < truncateFrom);
      if (base !== null) disk.entries = disk.entries.filter(({ index }) => index > base.index);
      disk.base = base ?? disk.base;
      disk.entries.push(...entries);
    }
  }
}
