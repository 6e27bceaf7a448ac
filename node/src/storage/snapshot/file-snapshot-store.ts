import { randomBytes } from 'node:crypto';
import { invariant } from '../../lib/invariant.ts';
import type { Disk, DiskFile } from '../disk.ts';
import { diskFailed, errnoOf, snapshotDamaged, unusable } from '../disk-errors.ts';
import { nodeDisk } from '../node-disk.ts';
import type {
  DamagedSnapshot,
  LoadedSnapshot,
  SnapshotDraft,
  SnapshotStore,
  StoredSnapshot,
} from '../snapshot-store.ts';
import { decodeSnapshotFile } from './format.ts';

/** How many whole snapshots are kept. */
const KEPT = 2;
const SUFFIX = '.snapshot';
const DRAFT_SUFFIX = '.part';

export interface FileSnapshotOptions {
  /** Exists already and belongs to this process alone (data-dir.ts). */
  readonly directory: string;
  readonly disk?: Disk;
  /** Random bytes for the names of what is not complete. */
  readonly random?: (bytes: number) => Uint8Array;
}

/**
 * Snapshots as files. One is written under a name that counts for nothing, synced, read back and checked, and only then renamed, with
 * a sync of the directory: under its name there is a whole one or none (raft.md S8).
 */
export function createFileSnapshotStore(options: FileSnapshotOptions): SnapshotStore {
  return new FileSnapshotStore(options);
}

class FileSnapshotStore implements SnapshotStore {
  readonly place: string;
  readonly #directory: string;
  readonly #disk: Disk;
  readonly #random: (bytes: number) => Uint8Array;
  /** Newest first. */
  #sound: StoredSnapshot[] = [];

  constructor({ directory, disk = nodeDisk, random = randomBytes }: FileSnapshotOptions) {
    this.#random = random;
    this.place = directory;
    this.#directory = directory;
    this.#disk = disk;
  }

  async open(): Promise<{ sound: readonly StoredSnapshot[]; damaged: readonly DamagedSnapshot[] }> {
    const damaged: DamagedSnapshot[] = [];
    try {
      for (const name of (await this.#disk.list(this.#directory)).sort().reverse()) {
        const path = `${this.#directory}/${name}`;
        if (name.endsWith(DRAFT_SUFFIX)) await this.#disk.unlink(path);
        if (!name.endsWith(SUFFIX)) continue;
        const found = decodeSnapshotFile(await this.#readFile(path));
        if ('what' in found) damaged.push({ path, ...found });
        else if (fileName(found) !== name)
          damaged.push({ path, offset: 0, what: `the content is that of ${fileName(found)}` });
        else this.#sound.push(withoutData(found));
      }
      // A start after a kill may have found names that are in the page cache only.
      await this.#disk.syncDirectory(this.#directory);
    } catch (error) {
      throw unusable(this.#directory, error);
    }
    return { sound: this.#sound, damaged };
  }

  newest(): StoredSnapshot | null {
    return this.#sound[0] ?? null;
  }

  async begin(): Promise<SnapshotDraft> {
    const path = `${this.#directory}/${Buffer.from(this.#random(8)).toString('hex')}${DRAFT_SUFFIX}`;
    try {
      const file = await this.#disk.open(path, 'create');
      return new FileDraft(this.#disk, path, file, (checked) => this.#give(path, checked));
    } catch (error) {
      throw diskFailed(path, error);
    }
  }

  async load(snapshot: StoredSnapshot): Promise<LoadedSnapshot> {
    const path = this.#pathOf(snapshot);
    const found = decodeSnapshotFile(
      await this.#readFile(path).catch((error: unknown) => Promise.reject(unusable(path, error))),
    );
    if ('what' in found) throw snapshotDamaged({ path, ...found });
    return found;
  }

  async read(snapshot: StoredSnapshot, offset: number, maxBytes: number): Promise<Uint8Array | null> {
    if (!this.#sound.includes(snapshot)) return null;
    const path = this.#pathOf(snapshot);
    try {
      const file = await this.#disk.open(path, 'existing');
      try {
        const bytes = Buffer.alloc(Math.min(maxBytes, snapshot.fileBytes - offset));
        return bytes.subarray(0, await file.read(bytes, offset));
      } finally {
        await file.close();
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw diskFailed(path, error);
    }
  }

  /** Names a checked draft and removes what is older than the one before it. */
  async #give(draftPath: string, checked: LoadedSnapshot): Promise<StoredSnapshot> {
    const stored = withoutData(checked);
    const path = this.#pathOf(stored);
    try {
      await this.#disk.rename(draftPath, path);
      await this.#disk.syncDirectory(this.#directory);
      const others = this.#sound.filter((other) => fileName(other) !== fileName(stored));
      this.#sound = [stored, ...others].sort((a, b) => b.metadata.index - a.metadata.index).slice(0, KEPT);
      const kept = new Set(this.#sound.map(fileName));
      for (const name of await this.#disk.list(this.#directory)) {
        if (name.endsWith(SUFFIX) && !kept.has(name)) await this.#disk.unlink(`${this.#directory}/${name}`);
      }
      await this.#disk.syncDirectory(this.#directory);
    } catch (error) {
      throw diskFailed(path, error);
    }
    return stored;
  }

  #pathOf(snapshot: StoredSnapshot): string {
    return `${this.#directory}/${fileName(snapshot)}`;
  }

  async #readFile(path: string): Promise<Buffer> {
    const file = await this.#disk.open(path, 'existing');
    try {
      const bytes = Buffer.alloc(await file.size());
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  }
}

class FileDraft implements SnapshotDraft {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #give: (checked: LoadedSnapshot) => Promise<StoredSnapshot>;
  #fileBytes = 0;
  #isOpen = true;
  #checked: LoadedSnapshot | null = null;

  constructor(disk: Disk, path: string, file: DiskFile, give: (checked: LoadedSnapshot) => Promise<StoredSnapshot>) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#give = give;
  }

  get fileBytes(): number {
    return this.#fileBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const at = this.#fileBytes;
    this.#fileBytes += bytes.length;
    await this.#attempt(() => this.#file.write(bytes, at));
  }

  async check(): Promise<LoadedSnapshot | string> {
    const bytes = Buffer.alloc(this.#fileBytes);
    await this.#attempt(() => this.#file.datasync());
    const found = decodeSnapshotFile(bytes.subarray(0, await this.#attempt(() => this.#file.read(bytes, 0))));
    if ('what' in found) return `offset ${found.offset}: ${found.what}`;
    this.#checked = found;
    return found;
  }

  async commit(): Promise<StoredSnapshot> {
    invariant(this.#checked !== null, 'a snapshot is checked before it counts');
    await this.#attempt(() => this.#close());
    return this.#give(this.#checked);
  }

  async discard(): Promise<void> {
    await this.#attempt(async () => {
      await this.#close();
      await this.#disk.unlink(this.#path);
    });
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close();
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw diskFailed(this.#path, error);
    }
  }
}

/** In the order of the log, so that the newest comes last. */
function fileName({ metadata: { index, term } }: StoredSnapshot): string {
  return `${String(index).padStart(16, '0')}-${term}${SUFFIX}`;
}

function withoutData({ metadata, fileBytes, checksum }: StoredSnapshot): StoredSnapshot {
  return { metadata, fileBytes, checksum };
}
