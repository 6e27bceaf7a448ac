import type * as Fs from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Follows what the real adapter asks of the system, and knows what a power cut would lose at any moment: bytes until a datasync
 * that was begun after their write has ended, names until an fsync of their directory has.
 */
export class WatchedFs {
  /** Of each file or directory the latest change, by number, and the latest that is on the medium. */
  readonly #changed = new Map<string, number>();
  readonly #synced = new Map<string, number>();
  readonly #paths = new Map<number, string>();
  #changes = 0;
  /** A name was given to a file whose bytes were not there yet. */
  readonly namedTooEarly: string[] = [];

  /** Files and directories that a power cut would set back now. */
  unsynced(): string[] {
    return [...this.#changed.keys()].filter((path) => this.#isUnsynced(path)).map((path) => basename(path));
  }

  changed(path: string): void {
    this.#changes += 1;
    this.#changed.set(path, this.#changes);
  }

  opened(descriptor: number, path: string): void {
    this.#paths.set(descriptor, path);
    // Its bytes may be those of a process that was killed before its sync.
    if (path.endsWith('.wal')) this.changed(path);
  }

  written(descriptor: number): void {
    this.changed(this.#paths.get(descriptor)!);
  }

  /** To be called when a sync begins; what it returns, when it has ended. */
  syncing(descriptor: number): () => void {
    const path = this.#paths.get(descriptor)!;
    const upTo = this.#changes;
    return () => this.#synced.set(path, upTo);
  }

  renamed(from: string, to: string): void {
    if (this.#isUnsynced(from)) this.namedTooEarly.push(basename(to));
    for (const marks of [this.#changed, this.#synced]) {
      const mark = marks.get(from);
      if (mark !== undefined) marks.set(to, mark);
      marks.delete(from);
    }
    for (const [descriptor, path] of this.#paths) if (path === from) this.#paths.set(descriptor, to);
    this.changed(dirname(to));
  }

  removed(path: string): void {
    this.#changed.delete(path);
  }

  #isUnsynced(path: string): boolean {
    return (this.#changed.get(path) ?? 0) > (this.#synced.get(path) ?? 0);
  }
}

export const watched = { fs: new WatchedFs() };

type Callback = (error: NodeJS.ErrnoException | null, value?: unknown) => void;

/** `node:fs` with each call that matters for durability noted, and carried out as always. */
export function watch(fs: typeof Fs): typeof Fs {
  /** Calls `note` once the call has succeeded, before whoever waits for it hears of that. */
  const noting =
    (name: 'open' | 'write' | 'rename' | 'unlink', note: (args: readonly unknown[], value: unknown) => void) =>
    (...args: unknown[]): void => {
      const done = args.at(-1) as Callback;
      const call = fs[name] as (...all: unknown[]) => void;
      call(...args.slice(0, -1), (error: NodeJS.ErrnoException | null, value?: unknown) => {
        if (error === null) note(args, value);
        done(error, value);
      });
    };
  const syncing =
    (name: 'fsync' | 'fdatasync') =>
    (descriptor: number, done: Callback): void => {
      const ended = watched.fs.syncing(descriptor);
      fs[name](descriptor, (error) => {
        if (error === null) ended();
        done(error);
      });
    };
  return {
    ...fs,
    open: noting('open', ([path], descriptor) => watched.fs.opened(descriptor as number, path as string)),
    write: noting('write', ([descriptor]) => watched.fs.written(descriptor as number)),
    rename: noting('rename', ([from, to]) => watched.fs.renamed(from as string, to as string)),
    unlink: noting('unlink', ([path]) => watched.fs.removed(path as string)),
    fsync: syncing('fsync'),
    fdatasync: syncing('fdatasync'),
    mkdirSync: (path: string, options: Fs.MakeDirectoryOptions) => {
      fs.mkdirSync(path, options);
      watched.fs.changed(dirname(path));
    },
    writeFileSync: (path: string, text: string, options: Fs.WriteFileOptions & { flush?: boolean }) => {
      fs.writeFileSync(path, text, options);
      if (options.flush !== true) watched.fs.changed(path);
    },
  } as typeof Fs;
}
