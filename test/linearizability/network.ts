import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** From one node to another; the other direction is a link of its own. */
export interface Link {
  readonly from: string;
  readonly to: string;
}

/**
 * One network namespace for each node, joined by the one this process is in, as machines are by a router. A link that is cut
 * loses its packets there, silently, as a broken network does: no end of a connection is told. What this process sends to the
 * nodes is not affected. Only for a process that isolation.ts put into namespaces of its own: nothing here is undone.
 */
export class Network {
  readonly #addresses = new Map<string, string>();
  readonly #holders = new Map<string, number>();
  /** By "from to". */
  readonly #cut = new Map<string, Link>();

  static async open(names: readonly string[]): Promise<Network> {
    const network = new Network();
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    await ip('link', 'set', 'lo', 'up');
    for (const [at, name] of names.entries()) await network.#add(name, at + 1);
    return network;
  }

  address(name: string): string {
    return this.#addresses.get(name)!;
  }

  /** The beginning of a command that runs the rest of it on the machine of that name. */
  on(name: string): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#holders.get(name)!}/ns/net`, '--'];
  }

  async cut(links: readonly Link[]): Promise<void> {
    for (const link of links) {
      const key = `${link.from} ${link.to}`;
      if (this.#cut.has(key)) continue;
      this.#cut.set(key, link);
      await ip('rule', 'add', ...this.#rule(link));
    }
  }

  async heal(links: readonly Link[]): Promise<void> {
    for (const link of links) {
      if (this.#cut.delete(`${link.from} ${link.to}`)) await ip('rule', 'del', ...this.#rule(link));
    }
  }

  async #add(name: string, number: number): Promise<void> {
    // A namespace lives as long as a process in it; it says when it is there.
    const holder = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo ready && exec sleep infinity'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    this.#holders.set(name, holder.pid!);
    const node = `10.77.${number}.2`;
    const router = `10.77.${number}.1`;
    const device = `to-${name}`;
    await ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid));
    await ip('address', 'add', `${router}/24`, 'dev', device);
    await ip('link', 'set', device, 'up');
    const there = async (...args: string[]): Promise<void> => {
      const [file, ...rest] = [...this.on(name), 'ip', ...args];
      await run(file!, rest);
    };
    this.#addresses.set(name, node);
    await there('link', 'set', 'lo', 'up');
    await there('address', 'add', `${node}/24`, 'dev', 'eth0');
    await there('link', 'set', 'eth0', 'up');
    await there('route', 'add', 'default', 'via', router);
  }

  #rule({ from, to }: Link): string[] {
    return ['from', this.address(from), 'to', this.address(to), 'blackhole'];
  }
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args);
}
