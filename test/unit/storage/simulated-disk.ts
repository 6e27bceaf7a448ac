import type { Disk, DiskFile } from '../../../node/src/storage/disk.ts';

const SECTOR_BYTES = 512;

interface Inode {
  /** What a read sees: the page cache. */
  live: Uint8Array;
  /** What a power cut leaves for certain. */
  durable: Uint8Array;
  /** Written since the last sync. */
  pending: { position: number; bytes: Uint8Array }[];
}

type NameChange = { set: string; inode: Inode; was?: string } | { remove: string };

export type DiskOperation = 'create' | 'write' | 'datasync' | 'rename' | 'unlink' | 'syncDirectory' | 'list' | 'read';

/**
 * A disk in memory that behaves as badly as a real one may: what was not synced is lost at a power cut, or kept sector by
 * sector in any order; names are lost or kept in the order they were made; any operation can be made to fail.
 */
export class SimulatedDisk implements Disk {
  readonly #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #pendingNames: NameChange[] = [];
  readonly #trace: { operation: DiskOperation; path: string }[] = [];
  /** Mutating operations so far, reads not counted. */
  operations = 0;
  /** The power goes during the mutating operation of this number; null: never. */
  powerCutAt: number | null = null;
  /** Bytes on the whole disk; a write that would need more fails with ENOSPC after storing what fits. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Called before each operation; what it returns is thrown. */
  fault: (operation: DiskOperation, path: string) => Error | null = () => null;
  /** Awaited within each datasync, so that a test can hold one up. */
  syncGate: () => Promise<void> = () => Promise.resolve();

  get trace(): readonly { operation: DiskOperation; path: string }[] {
    return this.#trace;
  }

  get hasPower(): boolean {
    return this.powerCutAt === null || this.operations < this.powerCutAt;
  }

  /** The files, as the running system sees them. */
  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  contents(path: string): Uint8Array {
    return this.#inode(path).live;
  }

  /** Puts a file there as if it had always been, or takes it away. */
  place(path: string, bytes: Uint8Array | null): void {
    this.#names.delete(path);
    this.#durableNames.delete(path);
    if (bytes === null) return;
    const inode = { live: bytes.slice(), durable: bytes.slice(), pending: [] };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /** The disk as the next start finds it; `random` decides what of the unsynced survived, 0: nothing, below 1: all. */
  afterPowerCut(random: () => number): SimulatedDisk {
    const next = new SimulatedDisk();
    const names = new Map(this.#durableNames);
    const kept = Math.floor(random() * (this.#pendingNames.length + 1));
    for (const change of this.#pendingNames.slice(0, kept)) applyChange(names, change);
    for (const [path, inode] of names) next.place(path, survivors(inode, random));
    return next;
  }

  /** The same disk after SIGKILL: the page cache outlives the process. */
  afterKill(): SimulatedDisk {
    const next = new SimulatedDisk();
    for (const [path, inode] of this.#names) {
      const copy = { live: inode.live.slice(), durable: inode.durable.slice(), pending: [...inode.pending] };
      next.#names.set(path, copy);
      if (this.#durableNames.has(path)) next.#durableNames.set(path, copy);
      else next.#pendingNames.push({ set: path, inode: copy });
    }
    return next;
  }

  async list(directory: string): Promise<string[]> {
    await this.#before('list', directory);
    const prefix = `${directory}/`;
    return [...this.#names.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  }

  async open(path: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    if (mode === 'existing') return this.#file(this.#inode(path));
    const inode: Inode = { live: new Uint8Array(), durable: new Uint8Array(), pending: [] };
    await this.#change('create', path, () => {
      if (this.#names.has(path)) throw errno('EEXIST', path);
      this.#rename({ set: path, inode });
    });
    return this.#file(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#change('rename', to, () => this.#rename({ set: to, inode: this.#inode(from), was: from }));
  }

  async unlink(path: string): Promise<void> {
    await this.#change('unlink', path, () => {
      this.#inode(path);
      this.#rename({ remove: path });
    });
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#sync('syncDirectory', directory, () => {
      this.#durableNames = new Map(this.#names);
      this.#pendingNames = [];
    });
  }

  #file(inode: Inode): DiskFile {
    // A file goes by the name it has now, not by the one it was opened under.
    const path = (): string => [...this.#names].find(([, other]) => other === inode)?.[0] ?? '(unlinked)';
    return {
      size: () => Promise.resolve(inode.live.length),
      read: async (target, position) => {
        await this.#before('read', path());
        const part = inode.live.subarray(position, position + target.length);
        target.set(part);
        return part.length;
      },
      write: async (bytes, position) => {
        await this.#change('write', path(), () => {
          const room = this.capacityBytes - this.#usedBytes() + inode.live.length - position;
          const taken = bytes.slice(0, Math.max(0, Math.min(bytes.length, room)));
          inode.pending.push({ position, bytes: taken });
          inode.live = overwrite(inode.live, position, taken);
          if (taken.length < bytes.length) throw errno('ENOSPC', path());
        });
      },
      datasync: () =>
        this.#sync('datasync', path(), () => {
          inode.durable = inode.live.slice();
          inode.pending = [];
        }),
      close: () => Promise.resolve(),
    };
  }

  /** Something that is in memory at once and on the medium later: a power cut meets it half done. */
  async #change(operation: DiskOperation, path: string, effect: () => void): Promise<void> {
    await this.#before(operation, path);
    this.operations += 1;
    effect();
    if (!this.hasPower) throw errno('EIO', `${path} (no power)`);
  }

  async #sync(operation: DiskOperation, path: string, effect: () => void): Promise<void> {
    await this.#before(operation, path);
    this.operations += 1;
    if (!this.hasPower) throw errno('EIO', `${path} (no power)`);
    if (operation === 'datasync') await this.syncGate();
    effect();
  }

  async #before(operation: DiskOperation, path: string): Promise<void> {
    await Promise.resolve();
    if (!this.hasPower) throw errno('EIO', `${path} (no power)`);
    const fault = this.fault(operation, path);
    this.#trace.push({ operation, path });
    if (fault) throw fault;
  }

  #rename(change: NameChange): void {
    applyChange(this.#names, change);
    this.#pendingNames.push(change);
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (!inode) throw errno('ENOENT', path);
    return inode;
  }

  #usedBytes(): number {
    return [...this.#names.values()].reduce((sum, inode) => sum + inode.live.length, 0);
  }
}

export function errno(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function applyChange(names: Map<string, Inode>, change: NameChange): void {
  if ('remove' in change) {
    names.delete(change.remove);
    return;
  }
  if (change.was !== undefined) names.delete(change.was);
  names.set(change.set, change.inode);
}

function overwrite(content: Uint8Array, position: number, bytes: Uint8Array): Uint8Array {
  const grown = content.length >= position + bytes.length ? content : new Uint8Array(position + bytes.length);
  if (grown !== content) grown.set(content);
  grown.set(bytes, position);
  return grown;
}

/** Each sector of each unsynced write survives or not, by itself (raft.md W3). */
function survivors(inode: Inode, random: () => number): Uint8Array {
  let content: Uint8Array = inode.durable.slice();
  for (const { position, bytes } of inode.pending) {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES));
      if (random() >= 0.5) content = overwrite(content, position + at, bytes.subarray(at, end));
      at = end;
    }
  }
  return content;
}
