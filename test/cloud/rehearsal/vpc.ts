import { writeFileSync } from 'node:fs';
import { filterTable, type FirewallRule, type Interface, natTable } from './packet-filter.ts';
import { ip, run } from './run-command.ts';

/** Where every machine of Google Cloud finds its metadata. */
export const METADATA = '169.254.169.254';
/** private.googleapis.com, through which machines reach Google's APIs (cloud.google.com/vpc/docs/configure-private-google-access). */
export const GOOGLE_APIS = '199.36.153.8';
/** RFC 5737, TEST-NET-2: the internet, which here is one machine. */
export const TARGET = '198.51.100.10';
const INTERNET = '198.51.100.1';
const EXTERNAL_RANGE = '203.0.113.0/24';

/** A network namespace, held by a process in it. */
export interface Namespace {
  readonly pid: number;
}

/** Of an instance, on the network. */
export interface Wire extends Interface {
  readonly device: string;
  readonly pid: number;
}

/**
 * What is between the instances: the namespace that this process is in routes, as a VPC does, filters by the firewall's rules, and gives
 * what leaves for the internet the external address. Only for a process in namespaces of its own: nothing here is undone.
 */
export class Vpc {
  readonly #wires = new Map<string, Wire>();
  #rules: readonly FirewallRule[] = [];
  #count = 0;
  /** One change after the other: each writes the whole table. */
  #last: Promise<unknown> = Promise.resolve();

  static async open(internet: Namespace): Promise<Vpc> {
    const vpc = new Vpc();
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    await ip('link', 'set', 'lo', 'up');
    for (const address of [METADATA, GOOGLE_APIS]) await ip('address', 'add', `${address}/32`, 'dev', 'lo');
    await join(internet, 'internet', INTERNET, TARGET);
    await inside(internet, 'route', 'add', EXTERNAL_RANGE, 'via', INTERNET);
    await ip('route', 'add', `${TARGET}/32`, 'dev', 'internet');
    await vpc.#filter();
    return vpc;
  }

  /** As Google wires a machine: an address with no neighbours, and a gateway that answers for all of them. */
  async plug(name: string, wire: Omit<Wire, 'device'>): Promise<void> {
    const device = `vm${(this.#count += 1)}`;
    const gateway = wire.address.replace(/\.\d+\.\d+$/, '.0.1');
    await join(wire, device, gateway, wire.address);
    await ip('route', 'add', `${wire.address}/32`, 'dev', device);
    await inside(wire, 'route', 'add', 'default', 'via', gateway);
    this.#wires.set(name, { ...wire, device });
    await this.#filter();
  }

  /** Its interface goes with its namespace. */
  async unplug(name: string): Promise<void> {
    const wire = this.#wires.get(name);
    this.#wires.delete(name);
    if (wire !== undefined) await ip('link', 'delete', wire.device).catch(() => undefined);
    await this.#filter();
  }

  async setRules(rules: readonly FirewallRule[]): Promise<void> {
    this.#rules = rules;
    await this.#filter();
  }

  /** Who asks from that address. */
  nameOf(address: string): string | null {
    return [...this.#wires].find(([, wire]) => wire.address === address)?.[0] ?? null;
  }

  #filter(): Promise<void> {
    const apply = async (): Promise<void> => {
      const wires = [...this.#wires.values()];
      await run('iptables-restore', [], filterTable(wires, this.#rules));
      await run('iptables-restore', [], natTable(wires));
    };
    const next = this.#last.then(apply);
    // Whoever asked for it hears that it failed; the next one tries all the same.
    this.#last = next.catch(() => undefined);
    return next;
  }
}

async function join(there: Namespace, device: string, here: string, address: string): Promise<void> {
  await ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(there.pid));
  await ip('address', 'add', `${here}/32`, 'dev', device);
  await ip('link', 'set', device, 'up');
  await inside(there, 'link', 'set', 'lo', 'up');
  await inside(there, 'address', 'add', `${address}/32`, 'dev', 'eth0');
  await inside(there, 'link', 'set', 'eth0', 'up');
  await inside(there, 'route', 'add', `${here}/32`, 'dev', 'eth0');
}

const inside = ({ pid }: Namespace, ...args: readonly string[]): Promise<string> =>
  run('nsenter', [`--net=/proc/${pid}/ns/net`, '--', 'ip', ...args]);
