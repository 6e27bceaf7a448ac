import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { notYetSupported } from '../../node/src/settings/not-supported.ts';
import { settings } from '../../node/src/settings/schema.ts';

/** From SIGTERM to SIGKILL when stopping. */
const stopGraceMs = 5000;
const lastWordsLines = 15;

/** An environment without what tutti reads from it: a setting in the user's shell is meant for another node. */
export function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = new Set([...Object.values(settings).map(({ env }) => env), ...Object.keys(notYetSupported)]);
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !own.has(name) && !name.startsWith('CLUSTER_')),
  );
}

/** Child processes by name, each with its output in a file; ended by their own pid and nothing else. */
export class Processes {
  readonly #directory: string;
  readonly #detached: boolean;
  readonly #children = new Map<string, ChildProcess>();
  /** Ended on purpose. */
  readonly #killed = new Set<string>();

  constructor(directory: string, detached = false) {
    this.#directory = directory;
    this.#detached = detached;
  }

  start(name: string, command: readonly string[], environment: Record<string, string> = {}): ChildProcess {
    const output = openSync(this.#logFile(name), 'a');
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', output, output],
      env: { ...withoutSettings(process.env), ...environment },
      detached: this.#detached,
    });
    closeSync(output);
    this.#children.set(name, child);
    this.#killed.delete(name);
    return child;
  }

  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`${name} was never started`);
    this.#killed.add(name);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** A sentence about a process that ended by itself, else null. */
  readonly firstDead = (): string | null => {
    for (const [name, child] of this.#children) {
      if (this.#killed.has(name) || (child.exitCode === null && child.signalCode === null)) continue;
      return `${name} ended (${child.signalCode ?? `exit code ${child.exitCode ?? ''}`}); its last lines:\n${this.#tail(name)}`;
    }
    return null;
  };

  lastWords(): string {
    return [...this.#children.keys()].map((name) => `--- last lines of ${name}:\n${this.#tail(name)}`).join('\n');
  }

  pids(): number[] {
    return [...this.#children.values()]
      .filter((child) => child.exitCode === null && child.signalCode === null)
      .map((child) => child.pid!);
  }

  /** The children outlive this process. */
  letGo(): void {
    for (const child of this.#children.values()) child.unref();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((name) => this.#stop(name)));
  }

  async #stop(name: string): Promise<void> {
    const child = this.#children.get(name)!;
    const insist = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
    await this.kill(name, 'SIGTERM');
    clearTimeout(insist);
  }

  #logFile(name: string): string {
    return join(this.#directory, `${name}.log`);
  }

  #tail(name: string): string {
    return readFileSync(this.#logFile(name), 'utf8').trimEnd().split('\n').slice(-lastWordsLines).join('\n');
  }
}
