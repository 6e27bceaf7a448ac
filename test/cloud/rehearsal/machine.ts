import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRoot, mountScript, type RootOptions } from '../machine/root.ts';
import type { Namespace } from './vpc.ts';

/** From "poweroff" to being turned off: as long as Compute Engine waits. */
const SHUTDOWN_MS = 90_000;

/** What Container-Optimized OS lets in before anybody adds a rule: SSH, and what belongs to what goes out. */
const hostFilter = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
`;

export interface MachineOptions extends RootOptions {
  /** For the console and what stays when it is off. */
  readonly home: string;
  readonly node: string;
  /** The one that it has: machines share the cores of this one, and each core is a generator that has to be made ready. */
  readonly core: number;
}

/** An instance: namespaces of its own, a root directory, and in it what its user-data says. */
export class Machine {
  readonly #options: MachineOptions;
  #child: ChildProcess | null = null;
  #isEndExpected = false;
  /** The network comes before the first program, and each time anew. */
  readonly #plug: (there: Namespace) => Promise<void>;

  constructor(options: MachineOptions, plug: (there: Namespace) => Promise<void>) {
    this.#options = options;
    this.#plug = plug;
  }

  /** Of the process that holds its namespaces. */
  get pid(): number {
    return this.#child!.pid!;
  }

  get isOn(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Without having been told. */
  get hasEnded(): boolean {
    return this.#child !== null && !this.isOn && !this.#isEndExpected;
  }

  /** Resolves when its first program runs. */
  async start(): Promise<void> {
    const { home, node, hostName } = this.#options;
    makeRoot(this.#options);
    const script = join(home, 'mount.sh');
    const filter = join(home, 'filter');
    writeFileSync(filter, hostFilter);
    writeFileSync(
      script,
      `set -eu\nhostname ${hostName}\niptables-restore ${filter}\n${mountScript(this.#options, node)}`,
    );
    const console_ = openSync(join(home, 'console.log'), 'a');
    // Until it is told that the network is there it waits.
    const child = spawn(
      'unshare',
      [
        '--net',
        '--uts',
        '--mount',
        '--ipc',
        '--pid',
        '--fork',
        '--kill-child',
        '--',
        'sh',
        '-c',
        `echo ready && read go && exec taskset --cpu-list ${this.#options.core} sh ${script}`,
      ],
      { stdio: ['pipe', 'pipe', console_] },
    );
    closeSync(console_);
    this.#child = child;
    this.#isEndExpected = false;
    child.stdin!.on('error', () => undefined);
    await once(child.stdout!, 'data');
    child.stdout!.on('data', (text: Buffer) => writeFileSync(join(home, 'console.log'), text, { flag: 'a' }));
    await this.#plug({ pid: child.pid! });
    child.stdin!.write('go\n');
  }

  /** In order, as Compute Engine does it: the operating system is asked, and turned off if that takes too long. */
  async stop(): Promise<void> {
    if (!this.isOn) return;
    this.#isEndExpected = true;
    const exited = once(this.#child!, 'exit');
    this.#child!.stdin!.write('poweroff\n');
    const timer = setTimeout(() => this.#child!.kill('SIGKILL'), SHUTDOWN_MS);
    await exited;
    clearTimeout(timer);
  }

  /** As a power failure: nothing in it hears of it. */
  async cut(): Promise<void> {
    if (!this.isOn) return;
    this.#isEndExpected = true;
    const exited = once(this.#child!, 'exit');
    this.#child!.kill('SIGKILL');
    await exited;
  }
}
