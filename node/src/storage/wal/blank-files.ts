import type { Disk } from '../disk.ts';
import { diskFailed } from '../disk-errors.ts';
import type { Room } from '../room.ts';
import { zero, type BlankFile } from './segment.ts';

/** A file of this ending is no part of the log; what an earlier process left of them is removed at start. */
export const BLANK_SUFFIX = '.blank';

/**
 * Zeroed files for the segments to come, one of them ahead, so that a rotation need not wait for 16 MiB of zeros.
 * Zeroed before use because recovery takes an all-zero sector for one that was never written.
 */
export class BlankFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #usualBytes: number;
  readonly #newId: () => string;
  readonly #room: Room;
  readonly #onFailure: (error: unknown) => void;
  #next: Promise<BlankFile> | null = null;

  constructor(options: {
    disk: Disk;
    directory: string;
    usualBytes: number;
    newId: () => string;
    room: Room;
    onFailure: (error: unknown) => void;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#usualBytes = options.usualBytes;
    this.#newId = options.newId;
    this.#room = options.room;
    this.#onFailure = options.onFailure;
  }

  /** Begins to prepare the next file in the background; a failure is reported at once, not at the next rotation. */
  prepare(): void {
    if (this.#next !== null) return;
    this.#next = this.#create(this.#usualBytes);
    this.#next.catch(this.#onFailure);
  }

  /** The prepared file, or one made to measure where a single batch needs more than the usual length. */
  async take(bytes: number): Promise<BlankFile> {
    if (bytes !== this.#usualBytes) return this.#create(bytes);
    const next = this.#next ?? this.#create(bytes);
    this.#next = null;
    return next;
  }

  /** Waits for the work under way and closes what it made; the next start removes the file. */
  async close(): Promise<void> {
    const [made] = await Promise.allSettled([this.#next]);
    this.#next = null;
    if (made.status === 'fulfilled') await made.value?.file.close();
  }

  async #create(bytes: number): Promise<BlankFile> {
    const path = `${this.#directory}/${this.#newId()}${BLANK_SUFFIX}`;
    try {
      return await this.#room.until(
        path,
        async () => {
          const file = await this.#disk.open(path, 'create');
          try {
            await zero(file, 0, bytes);
          } catch (error) {
            await file.close();
            throw error;
          }
          return { file, path, bytes };
        },
        () => this.#remove(path),
      );
    } catch (error) {
      throw diskFailed(path, error);
    }
  }

  /** Whatever of it was made: the space is not to be held by what waits for space. */
  async #remove(path: string): Promise<void> {
    const names = await this.#disk.list(this.#directory);
    if (names.some((name) => path === `${this.#directory}/${name}`)) await this.#disk.unlink(path);
  }
}
