import type { SnapshotMetadata } from '../raft/types.ts';

/** A snapshot that is durable: what it stands for, and the file that holds it. */
export interface StoredSnapshot {
  readonly metadata: SnapshotMetadata;
  /** Length of the whole file: what is sent to a peer. */
  readonly fileBytes: number;
  /** Over all of it: two files of one place in the log with the same checksum are the same. */
  readonly checksum: number;
}

export interface LoadedSnapshot extends StoredSnapshot {
  /** What the state machine gave. */
  readonly data: Uint8Array;
}

/** A snapshot file that cannot be used, and why. */
export interface DamagedSnapshot {
  readonly path: string;
  readonly offset: number;
  readonly what: string;
}

/**
 * Where snapshots are kept: the two newest, so that a damaged one need not be the end of a member whose log still joins on to the
 * one before (raft.md W9). Failed writes and syncs reject with DISK_FAILED.
 */
export interface SnapshotStore {
  /** For messages to people. */
  readonly place: string;
  /** Removes what an interrupted write has left, and tells what is there, newest first. Fails with DATA_DIR_UNUSABLE. */
  open(): Promise<{ readonly sound: readonly StoredSnapshot[]; readonly damaged: readonly DamagedSnapshot[] }>;
  /** The newest durable one. */
  newest(): StoredSnapshot | null;
  /** Begins a file that counts for nothing until it is committed. */
  begin(): Promise<SnapshotDraft>;
  /** Rejects with SNAPSHOT_DAMAGED where the file is not what it was. */
  load(snapshot: StoredSnapshot): Promise<LoadedSnapshot>;
  /** Bytes of the file from `offset` on, at most `maxBytes`; null once a newer one has replaced it. */
  read(snapshot: StoredSnapshot, offset: number, maxBytes: number): Promise<Uint8Array | null>;
}

export interface SnapshotDraft {
  /** Bytes written so far. */
  readonly fileBytes: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Syncs what was written and reads it back; in words what is wrong where it is no whole snapshot. */
  check(): Promise<LoadedSnapshot | string>;
  /** After `check`: the file gets its name for good, and one that is older than the one before goes. */
  commit(): Promise<StoredSnapshot>;
  discard(): Promise<void>;
}
