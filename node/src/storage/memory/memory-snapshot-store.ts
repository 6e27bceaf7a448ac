import { TuttiError } from '../../lib/errors.ts';
import { invariant } from '../../lib/invariant.ts';
import { decodeSnapshotFile } from '../snapshot/format.ts';
import type { LoadedSnapshot, SnapshotDraft, SnapshotStore, StoredSnapshot } from '../snapshot-store.ts';

/** What outlives a store: give the same files to the next one, and it is a restart. Newest first. */
export type MemorySnapshotFiles = { stored: StoredSnapshot; file: Buffer }[];

/** The in-memory twin of the snapshot files; `sync` is awaited where those are synced. */
export class MemorySnapshotStore implements SnapshotStore {
  readonly place = 'memory';
  readonly #files: MemorySnapshotFiles;
  readonly #sync: () => Promise<void>;

  constructor(files: MemorySnapshotFiles = [], sync: () => Promise<void> = () => Promise.resolve()) {
    this.#files = files;
    this.#sync = sync;
  }

  open(): ReturnType<SnapshotStore['open']> {
    return Promise.resolve({ sound: this.#files.map(({ stored }) => stored), damaged: [] });
  }

  newest(): StoredSnapshot | null {
    return this.#files[0]?.stored ?? null;
  }

  begin(): Promise<SnapshotDraft> {
    return Promise.resolve(new MemoryDraft(this.#files, this.#sync));
  }

  load(snapshot: StoredSnapshot): Promise<LoadedSnapshot> {
    const file = this.#files.find(({ stored }) => stored === snapshot)?.file;
    const found = file === undefined ? { what: 'it is gone' } : decodeSnapshotFile(file);
    if ('what' in found) return Promise.reject(new TuttiError('SNAPSHOT_DAMAGED', found.what));
    return Promise.resolve(found);
  }

  read(snapshot: StoredSnapshot, offset: number, maxBytes: number): Promise<Uint8Array | null> {
    const file = this.#files.find(({ stored }) => stored === snapshot)?.file;
    return Promise.resolve(file?.subarray(offset, offset + maxBytes) ?? null);
  }
}

class MemoryDraft implements SnapshotDraft {
  readonly #files: MemorySnapshotFiles;
  readonly #sync: () => Promise<void>;
  #file = Buffer.alloc(0);

  constructor(files: MemorySnapshotFiles, sync: () => Promise<void>) {
    this.#files = files;
    this.#sync = sync;
  }

  get fileBytes(): number {
    return this.#file.length;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#file = Buffer.concat([this.#file, bytes]);
    return Promise.resolve();
  }

  async check(): Promise<LoadedSnapshot | string> {
    await this.#sync();
    const found = decodeSnapshotFile(this.#file);
    return 'what' in found ? found.what : found;
  }

  async commit(): Promise<StoredSnapshot> {
    const found = decodeSnapshotFile(this.#file);
    invariant(!('what' in found), 'a snapshot is checked before it counts');
    await this.#sync();
    const { metadata, fileBytes, checksum } = found;
    const stored = { metadata, fileBytes, checksum };
    this.#files.unshift({ stored, file: this.#file });
    this.#files.sort((a, b) => b.stored.metadata.index - a.stored.metadata.index);
    this.#files.length = Math.min(this.#files.length, 2);
    return stored;
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }
}
