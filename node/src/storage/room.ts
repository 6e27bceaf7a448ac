import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { isDiskFull } from './disk-errors.ts';

/** How often to look whether there is room again. */
const RETRY_MS = 500;

/**
 * Repeats a write that found no space until there is some: nothing was promised for it, and a write that takes long is what the core
 * gives up the leadership for (ADR 41), until it ends (raft.md W8). Only writes: a sync that failed is never repeated (W5).
 */
export class Room {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #waking = new Set<() => void>();
  #mayWait = false;
  #isFull = false;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** From here on a full disk is waited for; before, at the start, it is an error like any other. */
  open(): void {
    this.#mayWait = true;
  }

  /** Who waits hears of the full disk now. */
  close(): void {
    this.#mayWait = false;
    for (const wake of this.#waking) wake();
  }

  /** `undo` takes back what an attempt has left. */
  async until<T>(
    path: string,
    write: () => Promise<T>,
    undo: () => Promise<void> = () => Promise.resolve(),
  ): Promise<T> {
    for (;;) {
      try {
        const written = await write();
        this.#found(path);
        return written;
      } catch (error) {
        if (!isDiskFull(error) || !this.#mayWait) throw error;
        await undo();
        this.#missed(path);
        if (!(await this.#pause())) throw error;
      }
    }
  }

  #missed(path: string): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#log.error({ path }, `the disk is full at ${path}: this node waits for room, and does not lead meanwhile`);
  }

  #found(path: string): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#log.warn({ path }, 'the disk has room again');
  }

  /** False: nobody waits any more. */
  #pause(): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#waking.delete(wake);
        resolve(this.#mayWait);
      };
      const cancel = this.#clock.at(this.#clock.nowMs() + RETRY_MS, wake);
      this.#waking.add(wake);
    });
  }
}
