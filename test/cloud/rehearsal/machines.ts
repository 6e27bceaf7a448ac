import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Effects, Resource } from '../provider/cloud.ts';
import { contentOf } from '../provider/gcp-storage.ts';
import { textOf, textsAt, valuesAt, type Values } from '../provider/values.ts';
import type { BucketStore } from './bucket-store.ts';
import type { Image } from '../machine/images.ts';
import { Machine } from './machine.ts';
import type { Identity } from './metadata-server.ts';
import type { FirewallRule } from './packet-filter.ts';
import { run } from './run-command.ts';
import type { Vpc } from './vpc.ts';

const GIB = 1024 ** 3;
const LAST_LINES = 15;

export interface MachinesOptions {
  readonly directory: string;
  readonly checkout: string;
  readonly node: string;
  readonly vpc: Vpc;
  readonly store: BucketStore;
  readonly hosts: Readonly<Record<string, string>>;
  readonly images: Readonly<Record<string, Image>>;
  /** A certificate authority that instances believe, besides those of the world: its certificate. */
  readonly authority: string;
  /** An attribute of an instance has changed. */
  readonly attributesChanged: () => void;
}

interface Running {
  readonly machine: Machine;
  readonly address: string;
  inputs: Values;
}

/** Makes real what the stand-in for the provider makes: machines, disks, buckets, objects, rules. */
export class Machines implements Effects {
  readonly #options: MachinesOptions;
  readonly #running = new Map<string, Running>();
  readonly #rules = new Map<string, FirewallRule>();

  constructor(options: MachinesOptions) {
    this.#options = options;
  }

  /** By the name of the instance. */
  get(name: string): Machine {
    return this.#running.get(name)!.machine;
  }

  get names(): readonly string[] {
    return [...this.#running.keys()];
  }

  identityOf(project: string, address: string): Identity | null {
    const found = [...this.#running].find(([, running]) => running.address === address);
    if (found === undefined) return null;
    const [name, { inputs }] = found;
    return {
      project,
      name,
      zone: textOf(inputs, 'zone'),
      email: textsAt(inputs, 'serviceAccount.email')[0]!,
      attributes: (inputs.metadata ?? {}) as Readonly<Record<string, string>>,
    };
  }

  async made(resource: Resource): Promise<void> {
    const { type, inputs } = resource;
    const { store } = this.#options;
    switch (type) {
      case 'gcp:compute/instance:Instance':
        return this.#boot(inputs);
      case 'gcp:compute/disk:Disk':
        return this.#makeDisk(inputs);
      case 'gcp:compute/firewall:Firewall':
        return this.#setRule(resource);
      case 'gcp:storage/bucket:Bucket':
        return store.make(textOf(inputs, 'name'));
      case 'gcp:storage/bucketObject:BucketObject':
        return store.upload(textOf(inputs, 'bucket'), textOf(inputs, 'name'), contentOf(inputs));
    }
  }

  async changed(_: Resource, after: Resource): Promise<void> {
    if (after.type === 'gcp:compute/firewall:Firewall') return this.#setRule(after);
    if (after.type !== 'gcp:compute/instance:Instance') return;
    this.#running.get(textOf(after.inputs, 'name'))!.inputs = after.inputs;
    this.#options.attributesChanged();
  }

  async deleted({ type, id, inputs }: Resource): Promise<void> {
    const { store, directory, vpc } = this.#options;
    switch (type) {
      case 'gcp:compute/instance:Instance': {
        const name = textOf(inputs, 'name');
        await this.get(name).stop();
        this.#running.delete(name);
        await vpc.unplug(name);
        rmSync(join(directory, 'machines', name), { recursive: true });
        return;
      }
      case 'gcp:compute/disk:Disk':
        return rmSync(this.#diskFile(textOf(inputs, 'name')));
      case 'gcp:compute/firewall:Firewall':
        this.#rules.delete(id);
        return vpc.setRules([...this.#rules.values()]);
      case 'gcp:storage/bucket:Bucket':
        return this.#deleteBucket(inputs);
      case 'gcp:storage/bucketObject:BucketObject':
        // Whatever is there by that name: a user may have replaced it.
        return store.deleteObject(textOf(inputs, 'bucket'), textOf(inputs, 'name'));
    }
  }

  /** Whether a connection from one machine to a port of another comes about. Packets that are dropped take the whole time limit. */
  connects(from: string, to: string, port: number, limitSecs: number): Promise<boolean> {
    const { address } = this.#running.get(to)!;
    const inside = ['nsenter', `--net=/proc/${this.get(from).pid}/ns/net`, '--'] as const;
    const [file, ...args] = [...inside, 'timeout', String(limitSecs), 'bash', '-c', `</dev/tcp/${address}/${port}`];
    return run(file, args).then(
      () => true,
      () => false,
    );
  }

  /** A sentence about a machine that ended by itself, else null. */
  readonly firstDead = (): string | null => {
    const dead = [...this.#running].find(([, { machine }]) => machine.hasEnded);
    return dead === undefined ? null : `${dead[0]} ended by itself`;
  };

  /** How often the nodes of these machines were started. */
  startsOf(names: readonly string[]): readonly number[] {
    return names.map((name) => readFileSync(this.#journalOf(name), 'utf8').split('"node is up"').length - 1);
  }

  /** The ends of what the machines and their units have said. */
  lastWords(): string {
    const last = (path: string): string => {
      if (!existsSync(path)) return '(nothing)';
      return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n');
    };
    const ofMachine = (name: string): readonly string[] => {
      const home = join(this.#options.directory, 'machines', name);
      const journals = join(home, 'root/var/log/journal');
      const units = existsSync(journals) ? readdirSync(journals) : [];
      return [
        `--- console of ${name}:\n${last(join(home, 'console.log'))}`,
        ...units.map((unit) => `--- ${unit} of ${name}:\n${last(join(journals, unit))}`),
      ];
    };
    return this.names.flatMap(ofMachine).join('\n');
  }

  /** Turns off what runs, at once. */
  async cutAll(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ machine }) => machine.cut()));
  }

  #journalOf(name: string): string {
    return join(this.#options.directory, 'machines', name, 'root/var/log/journal/tutti-node.service.log');
  }

  async #boot(inputs: Values): Promise<void> {
    const { directory, checkout, node, vpc, hosts, images, authority } = this.#options;
    const name = textOf(inputs, 'name');
    const home = join(directory, 'machines', name);
    const address = textsAt(inputs, 'networkInterfaces.networkIp')[0]!;
    const external = textsAt(inputs, 'networkInterfaces.accessConfigs.natIp')[0] ?? null;
    const disks = valuesAt(inputs, 'attachedDisks').map((disk) => ({
      file: this.#diskFile(
        textOf(disk as Values, 'source')
          .split('/')
          .at(-1)!,
      ),
      deviceName: textOf(disk as Values, 'deviceName'),
    }));
    const root = join(home, 'root');
    mkdirSync(root, { recursive: true });
    const machine = new Machine(
      {
        home,
        node,
        core: this.#running.size % availableParallelism(),
        checkout,
        disks,
        hosts,
        images,
        authority,
        hostName: name,
        directory: root,
      },
      async ({ pid }) => {
        await vpc.unplug(name);
        const account = textsAt(inputs, 'serviceAccount.email')[0]!;
        await vpc.plug(name, { pid, address, account, external });
      },
    );
    this.#running.set(name, { machine, address, inputs });
    await machine.start();
  }

  #makeDisk(inputs: Values): void {
    mkdirSync(join(this.#options.directory, 'disks'), { recursive: true });
    const file = this.#diskFile(textOf(inputs, 'name'));
    writeFileSync(file, '');
    // As Google delivers a disk: zeros, which take no room until they are written over.
    truncateSync(file, Number(inputs.size) * GIB);
  }

  #diskFile(name: string): string {
    return join(this.#options.directory, 'disks', `${name}.img`);
  }

  async #setRule({ id, inputs }: Resource): Promise<void> {
    const texts = (path: string): readonly string[] => textsAt(inputs, path);
    const isAllow = valuesAt(inputs, 'allows').length > 0;
    const sourceAccounts = texts('sourceServiceAccounts');
    const ranges = texts('sourceRanges');
    const protocols = valuesAt(inputs, isAllow ? 'allows' : 'denies').map((rule) => ({
      protocol: textOf(rule as Values, 'protocol'),
      ports: textsAt(rule, 'ports'),
    }));
    this.#rules.set(id, {
      priority: Number(inputs.priority ?? 1000),
      isAllow,
      protocols,
      // Without any source a rule is for all of them.
      sourceRanges: ranges.length === 0 && sourceAccounts.length === 0 ? ['0.0.0.0/0'] : ranges,
      sourceAccounts,
      targetAccounts: texts('targetServiceAccounts'),
    });
    await this.#options.vpc.setRules([...this.#rules.values()]);
  }

  async #deleteBucket(inputs: Values): Promise<void> {
    const { store } = this.#options;
    const name = textOf(inputs, 'name');
    if (inputs.forceDestroy !== true && (await store.list(name)).length > 0)
      throw new Error(`Error trying to delete bucket ${name} containing objects without force_destroy set to true`);
    await store.delete(name);
  }
}
