import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { FromGenerator, ToGenerator } from '../generator/protocol.ts';
import type { Log } from '../lib/log.ts';

/** A generator in trouble may write without end; the first lines say what the trouble is. */
const maxStderrLines = 50;
/** A generator exits at once when its channel closes; one that does not is stuck and is killed. */
const exitGraceMs = 1_000;

export interface GeneratorProcessEvents {
  onMessage(message: FromGenerator): void;
  /** Once: it never ran, or is gone. */
  onGone(reason: string): void;
}

/**
 * One generator as a child process, never detached: it dies with us because its channel closes. `command` is what to run,
 * the priority prefix included.
 */
export class GeneratorProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #isGone = false;

  constructor(command: readonly string[], events: GeneratorProcessEvents, log: Log) {
    this.#child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.#gone = new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.#isGone) return;
        this.#isGone = true;
        resolve();
        events.onGone(reason);
      };
      this.#child.once('error', (error) => {
        // Also raised when a message cannot be sent; the process then still lives and ends by its own 'exit'.
        if (this.#child.pid === undefined) end(error.message);
      });
      this.#child.once('exit', (code, signal) => end(signal === null ? `exit code ${code ?? -1}` : `signal ${signal}`));
    });
    this.#child.on('message', (message) => events.onMessage(message as FromGenerator));
    let lines = 0;
    createInterface({ input: this.#child.stderr! }).on('line', (line) => {
      if (++lines <= maxStderrLines) log.warn({ generatorPid: this.#child.pid }, `generator: ${line}`);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return !this.#isGone;
  }

  send(message: ToGenerator): void {
    // A closed channel is reported by 'exit'; the callback only keeps the same news from being raised as an error here.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** It hangs; `onGone` follows. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Closes the channel, by which the generator exits; kills by pid the one that does not. Resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    if (this.#child.connected) this.#child.disconnect();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), exitGraceMs);
    await this.#gone;
    clearTimeout(killer);
  }
}
