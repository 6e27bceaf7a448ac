import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Workspace } from './workspace.ts';

/** What the engine did, or in a preview would do, with one resource. */
export interface Step {
  /** As the engine calls it: "create", "update", "replace", "delete", "same", ... */
  readonly op: string;
  readonly type: string;
  readonly name: string;
}

interface EngineEvent {
  readonly resourcePreEvent?: {
    readonly metadata: { readonly op: string; readonly type: string; readonly urn: string };
  };
}

/** What the engine says when it fails. */
export class EngineFailure extends Error {}

/** A stack as a user has it on the command line: `pulumi` with the program's own folder. */
export class Stack {
  readonly #workspace: Workspace;
  readonly #name: string;

  private constructor(workspace: Workspace, name: string) {
    this.#workspace = workspace;
    this.#name = name;
  }

  static async init(workspace: Workspace, name: string): Promise<Stack> {
    const stack = new Stack(workspace, name);
    await stack.run('stack', 'init', name, '--non-interactive');
    return stack;
  }

  /** `key` as `pulumi config set --path` takes it. */
  async configure(key: string, value: string): Promise<void> {
    await this.run('config', 'set', '--stack', this.#name, '--path', key, value);
  }

  async forget(key: string): Promise<void> {
    await this.run('config', 'rm', '--stack', this.#name, '--path', key);
  }

  /** All that is not as it was. */
  async up(): Promise<readonly Step[]> {
    return this.#steps('up', '--yes', '--skip-preview');
  }

  async preview(): Promise<readonly Step[]> {
    return this.#steps('preview');
  }

  async destroy(): Promise<readonly Step[]> {
    return this.#steps('destroy', '--yes', '--skip-preview');
  }

  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse(await this.run('stack', 'output', '--stack', this.#name, '--json')) as Record<string, unknown>;
  }

  /** Standard output of a command of pulumi. Throws EngineFailure with all that it said. */
  async run(...args: readonly string[]): Promise<string> {
    const child = spawn('pulumi', [...args, '--color', 'never'], {
      cwd: this.#workspace.folder,
      env: { ...process.env, ...this.#workspace.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0)
      throw new EngineFailure(`pulumi ${args.join(' ')} (${code ?? 'killed'}):\n${said.stdout}${said.stderr}`);
    return said.stdout;
  }

  async #steps(...args: readonly string[]): Promise<readonly Step[]> {
    const log = join(this.#workspace.folder, '../events.json');
    rmSync(log, { force: true });
    await this.run(...args, '--stack', this.#name, '--non-interactive', '--event-log', log);
    const events = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as EngineEvent);
    return events.flatMap(({ resourcePreEvent }) => {
      if (resourcePreEvent === undefined || resourcePreEvent.metadata.op === 'same') return [];
      const { op, type, urn } = resourcePreEvent.metadata;
      return [{ op, type, name: urn.split('::').at(-1)! }];
    });
  }
}
