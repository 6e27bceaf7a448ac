import { getPriority } from 'node:os';
import type { Log } from '../lib/log.ts';

/** Half the range of nice: the kernel gives the consensus nine times a generator's share when both want the core. */
const niceIncrement = 10;

/** One helper thread for V8 in each, as in the node (bin/tutti): a generator is one core's load, and scales by processes (ADR 92). */
const nodeOptions = ['--v8-pool-size=1'];

/** How generators are started at a lower priority. Says once when that cannot be: the load then competes with the consensus. */
export class LoweredPriority {
  readonly #niceCommand: string;
  readonly #log: Log;
  #said = false;
  #missing = false;

  constructor(niceCommand: string, log: Log) {
    this.#niceCommand = niceCommand;
    this.#log = log;
  }

  command(entry: string): readonly string[] {
    const node = [process.execPath, ...nodeOptions, entry];
    return this.#missing ? node : [this.#niceCommand, '-n', String(niceIncrement), ...node];
  }

  /** A process never came to run: true if it was for want of the command, and another try without it may help. */
  failed(command: readonly string[], reason: string): boolean {
    if (command[0] !== this.#niceCommand || !reason.includes('ENOENT')) return false;
    this.#missing = true;
    this.#say(reason);
    return true;
  }

  check(pid: number): void {
    if (this.#missing) return;
    const expected = Math.min(19, getPriority() + niceIncrement);
    try {
      const actual = getPriority(pid);
      if (actual < expected) this.#say(`the generator runs at ${actual}`);
    } catch {
      // It is gone between its message and this look; its end is reported where ends are.
    }
  }

  #say(why: string): void {
    if (this.#said) return;
    this.#said = true;
    this.#log.warn(
      { why },
      `generators run at the priority of this process: '${this.#niceCommand} -n ${niceIncrement}' had no effect`,
    );
  }
}
