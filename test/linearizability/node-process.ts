import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { statusOf } from './ask.ts';
import type { Address } from './ask.ts';

const root = join(import.meta.dirname, '../..');
const env = { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/tutti') };
const httpPort = 8000;
/** To start, to stop, to obey: what only a broken node, or a machine that is stuck, does not do in time. */
const patienceMs = 60_000;
const statusTimeoutMs = 1_000;

export interface MemberChange {
  readonly kind: 'demote' | 'promote';
  readonly id: string;
}

/** What a node can be ordered, a line of JSON each, and answers with one (member.ts). */
export type Order =
  { readonly delayMs: readonly [min: number, max: number] } | { readonly changes: readonly MemberChange[] };

export interface NodeOptions {
  readonly id: string;
  /** Of the machine it runs on (network.ts). */
  readonly host: string;
  readonly on: readonly string[];
  readonly nodes: string;
  /** For its data and its log file. */
  readonly directory: string;
  readonly transport: string;
  readonly broken: string | null;
}

/** One node through all its starts, and what it was made to suffer. */
export class NodeProcess {
  readonly id: string;
  readonly http: Address;
  readonly logFile: string;
  readonly #options: NodeOptions;
  #child: ChildProcess | null = null;
  #lines: Interface | null = null;
  #isEndExpected = false;
  #delayMs: readonly [min: number, max: number] = [0, 0];
  #delayedSyncs = 0;
  /** Ends that nobody asked for: a node that found itself unable to go on, which no fault here gives it reason to. */
  readonly crashes: string[] = [];

  constructor(options: NodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.http = { host: options.host, port: httpPort };
    this.logFile = join(options.directory, `${options.id}.log`);
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get delayedSyncs(): number {
    return this.#delayedSyncs;
  }

  /** Resolves once it listens. */
  async start(): Promise<void> {
    const { id, on, nodes, directory, transport, broken } = this.#options;
    const options = { id, nodes, data: join(directory, id), 'http-port': String(httpPort), transport };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    if (broken !== null) flags.push('--broken', broken);
    const [file, ...args] = [...on, process.execPath, join(import.meta.dirname, 'member.ts'), ...flags];
    const log = openSync(this.logFile, 'a');
    const child = spawn(file!, args, { stdio: ['pipe', 'pipe', log], env });
    closeSync(log);
    this.#child = child;
    this.#isEndExpected = false;
    // What a killed process was told it does not hear.
    child.stdin!.on('error', () => undefined);
    child.once('exit', (code, signal) => {
      if (this.#isEndExpected) return;
      this.crashes.push(`${id} ended by itself (${signal ?? `exit code ${code}`}): see ${id}.log`);
    });
    this.#lines = createInterface({ input: child.stdout! });
    await this.#line('start');
    if (this.#delayMs[1] > 0) await this.#sendDelay();
  }

  /** Asks it to stop in order; resolves when it has. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM', 'to stop in order');
    if (this.#child!.exitCode !== 0) this.crashes.push(`${this.id} did not stop in order: see ${this.id}.log`);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL', 'to be killed');
  }

  /** Resolves when the kernel shows it stopped. */
  async pause(): Promise<void> {
    const child = this.#child!;
    child.kill('SIGSTOP');
    await waitFor(`${this.id} to stop`, patienceMs, () => Promise.resolve(stateOf(child.pid!) === 'T'));
  }

  resume(): void {
    this.#child!.kill('SIGCONT');
  }

  /** Makes each sync of its disk take longer by a time between the two, now and after each start; 0, 0 ends it. */
  async delaySyncs(minMs: number, maxMs: number): Promise<void> {
    this.#delayMs = [minMs, maxMs];
    if (this.isRunning) await this.#sendDelay();
  }

  /** As the leader: `ok`, or the code of what was in the way. */
  async changeMembers(changes: readonly MemberChange[]): Promise<string> {
    return this.isRunning ? ((await this.#order({ changes })) as { outcome: string }).outcome : 'NOT_RUNNING';
  }

  /** Null: it does not answer at the moment. */
  async status(): Promise<Record<string, unknown> | null> {
    return this.isRunning ? statusOf(this.http, statusTimeoutMs) : null;
  }

  async #sendDelay(): Promise<void> {
    this.#delayedSyncs += ((await this.#order({ delayMs: this.#delayMs })) as { delayedSyncs: number }).delayedSyncs;
  }

  async #order(order: Order): Promise<unknown> {
    this.#child!.stdin!.write(`${JSON.stringify(order)}\n`);
    return JSON.parse(await this.#line('obey'));
  }

  async #line(what: string): Promise<string> {
    const ended = new AbortController();
    const child = this.#child!;
    const onExit = (): void => ended.abort();
    child.once('exit', onExit);
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(patienceMs)]);
    try {
      return ((await once(this.#lines!, 'line', { signal })) as [string])[0];
    } catch (error) {
      throw new Error(`${this.id} did not ${what}: see ${this.id}.log`, { cause: error });
    } finally {
      child.off('exit', onExit);
    }
  }

  async #end(signal: NodeJS.Signals, what: string): Promise<void> {
    const child = this.#child!;
    if (!this.isRunning) return;
    this.#isEndExpected = true;
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(patienceMs) });
    child.kill(signal);
    await exited.catch((error: unknown) => {
      throw new Error(`${this.id} took more than ${patienceMs / 1000} s ${what}: see ${this.id}.log`, { cause: error });
    });
  }
}

/** As in proc(5); the name before it is in parentheses and may hold anything. */
function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}
