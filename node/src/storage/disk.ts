/**
 * The few things a durable log asks of a disk. The real one is node-disk.ts; the tests have one that loses what was not
 * synced, persists sectors out of order, fails and fills up, so that every recovery path runs on demand.
 *
 * Every method rejects with the system's own error (`code` such as EIO or ENOSPC); what that means is the caller's to say.
 */
export interface Disk {
  /** Names in a directory, in no order. */
  list(directory: string): Promise<string[]>;
  /** `create` fails where the file exists, `existing` where it does not: neither ever replaces bytes by surprise. */
  open(path: string, mode: 'create' | 'existing'): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** A created, renamed or removed name survives a power cut only after this (raft.md W7). */
  syncDirectory(directory: string): Promise<void>;
}

export interface DiskFile {
  /** Length in bytes. */
  size(): Promise<number>;
  /** Fills `target` from `position`; returns how many bytes there were, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes`; durable only after `datasync`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Content and length are on the medium once this resolves. A rejection says nothing about what is: never call it again. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}
