import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Engine } from './engine.ts';

/** What is looked at of `docker container inspect`. */
export interface Container {
  readonly id: string;
  readonly service: string;
  readonly isRunning: boolean;
  readonly startedAtMs: number;
  readonly exitCode: number;
  /** On 127.0.0.1, by the port inside. */
  readonly ports: ReadonlyMap<string, number>;
}

interface Inspected {
  readonly Id: string;
  readonly State: { readonly Running: boolean; readonly StartedAt: string; readonly ExitCode: number };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
  };
}

/** docker-compose.yml under a name of its own, so that what a user has up stays as it is. */
export class ComposeProject {
  readonly #engine: Engine;
  readonly #command: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #name: string;
  readonly #signal: AbortSignal;

  /** `command` is docker compose, with the files and profiles that are meant; `environment` is what those files read. */
  constructor(
    engine: Engine,
    options: {
      readonly command: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly name: string;
      /** Ends what is under way; `down` is not. */
      readonly signal: AbortSignal;
    },
  ) {
    this.#engine = engine;
    this.#command = [...options.command, '--project-name', options.name];
    this.#environment = { ...options.environment, ...engine.environment };
    this.#name = options.name;
    this.#signal = options.signal;
  }

  /** Standard output of a command of docker compose; rejects with what it said if it fails. */
  run(...args: readonly string[]): Promise<string> {
    return this.#run(args, this.#signal);
  }

  /** Away with all that belongs to the project, whatever its profile. */
  async down(): Promise<void> {
    await this.#run(['--profile', '*', 'down', '--volumes']);
  }

  async #run(args: readonly string[], signal?: AbortSignal): Promise<string> {
    const [file, ...first] = [...this.#command, ...args];
    const child = spawn(file!, first, {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) {
      throw new Error(`docker compose ${args.join(' ')} failed (${code ?? 'killed'}):\n${said.stdout}${said.stderr}`);
    }
    return said.stdout;
  }

  /** All that there are of these services, of all unless given, running or not. */
  async containers(services: readonly string[] = []): Promise<readonly Container[]> {
    const filter = `label=com.docker.compose.project=${this.#name}`;
    const ids = (await this.#engine.docker('ps', '--all', '--quiet', '--filter', filter)).split('\n').filter(Boolean);
    if (ids.length === 0) return [];
    const inspected = JSON.parse(await this.#engine.docker('container', 'inspect', ...ids)) as readonly Inspected[];
    const all = inspected.map(containerOf);
    return services.length === 0 ? all : all.filter(({ service }) => services.includes(service));
  }
}

function containerOf({ Id, State, Config, NetworkSettings }: Inspected): Container {
  const ports = Object.entries(NetworkSettings.Ports).flatMap(([inside, published]) =>
    published?.[0] === undefined ? [] : [[inside, Number(published[0].HostPort)] as const],
  );
  return {
    id: Id,
    service: Config.Labels['com.docker.compose.service']!,
    isRunning: State.Running,
    startedAtMs: Date.parse(State.StartedAt),
    exitCode: State.ExitCode,
    ports: new Map(ports),
  };
}
