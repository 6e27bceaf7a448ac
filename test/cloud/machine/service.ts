import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { commandOf, durationMs, lastOf, listOf, type UnitCommand, type UnitFile } from './unit-file.ts';

/** systemd-system.conf(5): DefaultTimeoutStartSec and DefaultTimeoutStopSec, DefaultRestartSec. */
const DEFAULT_TIMEOUT = '90';
const DEFAULT_RESTART = '100ms';

export interface ServiceOptions {
  readonly name: string;
  /** As it is when it is asked for: a start takes what has changed. */
  readonly file: () => UnitFile;
  /** Where its output goes: a file descriptor. */
  readonly journal: number;
  readonly say: (line: string) => void;
}

export type ServiceState = 'inactive' | 'activating' | 'active' | 'failed' | 'deactivating';

/** One .service: started, restarted and stopped as systemd.service(5) has it. */
export class Service {
  readonly #options: ServiceOptions;
  #state: ServiceState = 'inactive';
  #main: ChildProcess | null = null;
  #isStopping = false;
  #restart: NodeJS.Timeout | null = null;
  #starting: Promise<void> | null = null;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  get state(): ServiceState {
    return this.#state;
  }

  /** Resolves once it is up (for a oneshot: done). Rejects if it failed; then it may come up later, by `Restart`. */
  start(): Promise<void> {
    if (this.#state === 'active') return Promise.resolve();
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#restart = null;
    this.#starting ??= this.#start().finally(() => (this.#starting = null));
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const main = this.#main;
    if (main === null) {
      this.#become('inactive');
      return;
    }
    this.#become('deactivating');
    const exited = once(main, 'exit');
    const timer = setTimeout(() => main.kill('SIGKILL'), this.#duration('TimeoutStopSec', DEFAULT_TIMEOUT));
    for (const command of this.#commands('ExecStop')) await this.#runToEnd(command);
    if (this.#main !== null) main.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  }

  async #start(): Promise<void> {
    this.#isStopping = false;
    this.#become('activating');
    try {
      for (const command of this.#commands('ExecStartPre')) await this.#must(command);
      const commands = this.#commands('ExecStart');
      if (lastOf(this.#options.file(), 'Service.Type') === 'oneshot') {
        for (const command of commands) await this.#must(command);
        this.#become(lastOf(this.#options.file(), 'Service.RemainAfterExit') === 'yes' ? 'active' : 'inactive');
      } else {
        this.#watch(await this.#spawn(commands[0]!));
        this.#become('active');
      }
    } catch (error) {
      this.#become('failed');
      this.#options.say(`${this.#options.name}: ${(error as Error).message}`);
      this.#startAgain(null);
      throw error;
    }
  }

  #watch(child: ChildProcess): void {
    this.#main = child;
    child.once('exit', (code, signal) => {
      this.#main = null;
      this.#options.say(`${this.#options.name}: ended (${signal ?? `exit code ${code}`})`);
      this.#become(this.#isStopping || code === 0 ? 'inactive' : 'failed');
      this.#startAgain(code);
    });
  }

  #startAgain(code: number | null): void {
    const { say, name } = this.#options;
    const file = this.#options.file();
    const policy = lastOf(file, 'Service.Restart') ?? 'no';
    if (this.#isStopping || policy === 'no' || (policy === 'on-failure' && code === 0)) return;
    if (policy !== 'always' && policy !== 'on-failure') throw new Error(`${name}: Restart=${policy} is not known here`);
    if (code !== null && listOf(file, 'Service.RestartPreventExitStatus').includes(String(code))) return;
    this.#restart = setTimeout(
      () => {
        this.#restart = null;
        // What went wrong is said where it went wrong.
        this.start().catch(() => say(`${name}: did not start`));
      },
      this.#duration('RestartSec', DEFAULT_RESTART),
    );
  }

  async #must(command: UnitCommand): Promise<void> {
    const code = await this.#runToEnd(command);
    if (code !== 0 && !command.mayFail) throw new Error(`${command.words.join(' ')} failed (${code})`);
  }

  async #runToEnd(command: UnitCommand): Promise<number | string> {
    const child = await this.#spawn(command);
    const limitMs = this.#duration('TimeoutStartSec', DEFAULT_TIMEOUT);
    const timer = limitMs === Infinity ? null : setTimeout(() => child.kill('SIGKILL'), limitMs);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    if (timer !== null) clearTimeout(timer);
    return child.exitCode ?? String(child.signalCode);
  }

  async #spawn({ words }: UnitCommand): Promise<ChildProcess> {
    const { journal } = this.#options;
    const child = spawn(words[0]!, words.slice(1), {
      stdio: ['ignore', journal, journal],
      env: this.#environment(),
      cwd: '/',
    });
    await once(child, 'spawn');
    return child;
  }

  #environment(): NodeJS.ProcessEnv {
    const file = this.#options.file();
    const assignments = [...(file.get('Service.Environment') ?? [])];
    for (const path of file.get('Service.EnvironmentFile') ?? []) {
      const optional = path.startsWith('-');
      try {
        assignments.push(
          ...readFileSync(path.replace(/^-/, ''), 'utf8')
            .split('\n')
            .filter((line) => /^\w+=/.test(line)),
        );
      } catch (error) {
        if (!optional) throw error;
      }
    }
    const pairs = assignments.map(
      (text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const,
    );
    return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...Object.fromEntries(pairs) };
  }

  #commands(directive: string): readonly UnitCommand[] {
    return (this.#options.file().get(`Service.${directive}`) ?? []).map(commandOf);
  }

  #duration(directive: string, standard: string): number {
    return durationMs(lastOf(this.#options.file(), `Service.${directive}`) ?? standard);
  }

  #become(state: ServiceState): void {
    this.#state = state;
    this.#options.say(`${this.#options.name}: ${state}`);
  }
}
