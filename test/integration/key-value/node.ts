import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '../../..');
const serverPath = join(root, 'examples/key-value/server.ts');
/** One helper thread for V8, as bin/tutti has it (ADR 92): several members share the cores of one machine. */
const nodeOptions = ['--v8-pool-size=1'];
/** Compiled code is kept between starts, as the program itself does: these tests start some thirty processes. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/tutti') };

export interface Status {
  readonly nodeId: string;
  readonly role: string;
  readonly leading: boolean;
  readonly term: number;
  readonly leaderId: string | null;
  readonly appliedIndex: number;
  readonly membership: { readonly unmet: number } | null;
  readonly digest: string;
}

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** `server.ts` of the example in a process of its own. */
export class KeyValueNode {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #output: string[] = [];
  #url = '';

  get url(): string {
    return this.#url;
  }

  private constructor(id: string, child: ChildProcess) {
    this.id = id;
    this.#child = child;
    child.stderr!.on('data', (chunk: Buffer) => this.#output.push(chunk.toString()));
  }

  static spawn(id: string, options: readonly string[]): KeyValueNode {
    const child = spawn(process.execPath, [...nodeOptions, serverPath, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    return new KeyValueNode(id, child);
  }

  static async start(id: string, nodes: string, dataDir: string, more: readonly string[] = []): Promise<KeyValueNode> {
    const data = join(dataDir, id);
    const node = KeyValueNode.spawn(id, [
      '--id',
      id,
      '--nodes',
      nodes,
      '--http',
      '127.0.0.1:0',
      '--data',
      data,
      ...more,
    ]);
    const lines = createInterface({ input: node.#child.stdout! });
    const ended = once(node.#child, 'exit').then(() => {
      throw new Error(`${id} ended before it listened: ${node.output}`);
    });
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
    ended.catch(() => undefined);
    node.#url = (JSON.parse(line) as { http: string }).http;
    return node;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get output(): string {
    return this.#output.join('');
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** A request of its own connection, so that what is lost with one node is lost at once and never sent again by itself. */
  async ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await fetch(`${this.#url}${path}`, {
      ...{ method, headers: { connection: 'close', ...headers }, signal: AbortSignal.timeout(8_000) },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, body: (await response.json()) as Reply['body'] };
  }

  async status(): Promise<Status> {
    return (await this.ask('GET', '/status')).body as unknown as Status;
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number | null> {
    if (this.isRunning) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  /** Asks it to stop in order; resolves with the exit code. */
  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.ended();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill('SIGKILL');
    await this.ended();
  }
}
