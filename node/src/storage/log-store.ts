import type { Entry, HardState, LogPosition, PersistBatch } from '../raft/types.ts';

/** Where term, vote and entries are kept. One writer; batches become durable in the order they were given. */
export interface LogStore {
  /**
   * Recovers what is durable. Fails with LOG_DAMAGED (naming file, offset and remedy) where the log is damaged before its
   * tail, and with DATA_DIR_UNUSABLE where the folder cannot be used or is in use by another process.
   */
  open(): Promise<RecoveredLog>;
  /**
   * Resolves once the batch, and each before it, is on disk. Batches given while a sync is under way share the next one.
   * What a batch's base lets go may then be removed from the disk.
   * A failed write or fsync rejects with DISK_FAILED, this and each later call: the process must end (raft.md W5).
   */
  append(batch: PersistBatch): Promise<void>;
  close(): Promise<void>;
}

export interface RecoveredLog {
  readonly hardState: HardState;
  /** The entry behind which the log begins; 0 of term 0 where none was ever forgotten. */
  readonly base: LogPosition;
  /** Contiguous from behind the base. */
  readonly entries: readonly Entry[];
}
