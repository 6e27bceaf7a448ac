import { setTimeout as pause } from 'node:timers/promises';
import type { Disk, DiskFile } from '../../node/src/storage/disk.ts';

/** A disk whose syncs take longer, by as much as it is told at the moment: what a busy or dying device does to a node. */
export class SlowDisk implements Disk {
  readonly #disk: Disk;
  #minMs = 0;
  #maxMs = 0;
  #delayed = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /**
   * From now on each sync takes longer by a time drawn between the two; zero is the disk as it is. Returns how many have been
   * delayed since the last call.
   */
  setDelay(minMs: number, maxMs: number): number {
    const delayed = this.#delayed;
    this.#delayed = 0;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    return delayed;
  }

  async open(path: string, mode: 'create' | 'existing'): Promise<DiskFile> {
    const file = await this.#disk.open(path, mode);
    const datasync = async (): Promise<void> => {
      await this.#linger();
      await file.datasync();
    };
    return { ...file, datasync };
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#linger();
    await this.#disk.syncDirectory(directory);
  }

  list(directory: string): Promise<string[]> {
    return this.#disk.list(directory);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
  }

  unlink(path: string): Promise<void> {
    return this.#disk.unlink(path);
  }

  async #linger(): Promise<void> {
    if (this.#maxMs === 0) return;
    this.#delayed++;
    await pause(this.#minMs + Math.random() * (this.#maxMs - this.#minMs));
  }
}
