import type { Disk } from '../disk.ts';
import { diskFailed } from '../disk-errors.ts';
import type { SegmentHeader } from './segment-header.ts';

export interface RetainedSegment {
  readonly path: string;
  readonly header: SegmentHeader;
}

/**
 * The segments on disk, oldest first, the one that is written to last. Those that hold only entries before the log's base are
 * removed, one after the other: each is gone for good before the next one goes, so that a crash leaves no hole between
 * them. A segment goes only if a later one says what the base is, since it may hold the only word of an earlier one.
 */
export class RetainedSegments {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #onFailure: (error: unknown) => void;
  readonly #segments: RetainedSegment[] = [];
  #removing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string, onFailure: (error: unknown) => void) {
    this.#disk = disk;
    this.#directory = directory;
    this.#onFailure = onFailure;
  }

  add(segment: RetainedSegment): void {
    this.#segments.push(segment);
  }

  /** Removes in the background what nothing needs, now that the segment `saidIn` durably says that the log begins behind `baseIndex`. */
  release(baseIndex: number, saidIn: SegmentHeader): void {
    const released: RetainedSegment[] = [];
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || oldest.header.ordinal >= saidIn.ordinal) break;
      if (next.header.baseIndex - 1 > baseIndex) break;
      released.push(oldest);
      this.#segments.shift();
    }
    if (released.length > 0) this.#removing = this.#removing.then(() => this.#remove(released));
  }

  /** Waits for the removal under way. */
  close(): Promise<void> {
    return this.#removing;
  }

  async #remove(released: readonly RetainedSegment[]): Promise<void> {
    for (const { path } of released) {
      try {
        await this.#disk.unlink(path);
        await this.#disk.syncDirectory(this.#directory);
      } catch (error) {
        return this.#onFailure(diskFailed(path, error));
      }
    }
  }
}
