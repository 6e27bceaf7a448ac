import { existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Service } from './service.ts';
import { listOf, parseUnit, type UnitFile } from './unit-file.ts';

/** What Container-Optimized OS has running before cloud-init's commands. */
const builtIn: ReadonlySet<string> = new Set([
  'network-online.target',
  'network.target',
  'docker.service',
  'docker.socket',
  'multi-user.target',
]);

/** Stands for systemd where it cannot run: services, in the order that Requires, Wants and After give them. */
export class UnitManager {
  readonly #folder: string;
  readonly #journals: string;
  readonly #say: (line: string) => void;
  #files = new Map<string, UnitFile>();
  readonly #services = new Map<string, Service>();

  /** `folder` holds the unit files; `journals` is the directory for what the units print. */
  constructor(folder: string, journals: string, say: (line: string) => void) {
    this.#folder = folder;
    this.#journals = journals;
    this.#say = say;
  }

  /** Unit files that came or changed since are seen; services that run are left alone. */
  reload(): void {
    this.#files = new Map();
  }

  /** With what it requires first; rejects if that, or it, fails. */
  async start(name: string): Promise<void> {
    if (builtIn.has(name)) return;
    const file = this.#file(name);
    const after = listOf(file, 'Unit.After');
    const required = listOf(file, 'Unit.Requires').map((unit) => ({ unit, begun: this.start(unit) }));
    const wanted = listOf(file, 'Unit.Wants').map((unit) => ({
      unit,
      begun: this.start(unit).catch(() => this.#say(`${name}: ${unit}, which it wants, did not start`)),
    }));
    // Whoever fails is heard below, in its turn.
    for (const { begun } of required) begun.catch(() => undefined);
    // What it does not come after begins with it: each may wait for what the other brings.
    await Promise.all([...required, ...wanted].filter(({ unit }) => after.includes(unit)).map(({ begun }) => begun));
    await Promise.all([this.#service(name).start(), ...required.map(({ begun }) => begun)]);
  }

  async stop(name: string): Promise<void> {
    await this.#services.get(name)?.stop();
  }

  async restart(name: string): Promise<void> {
    await this.stop(name);
    await this.start(name);
  }

  stateOf(name: string): string {
    return builtIn.has(name) ? 'active' : (this.#services.get(name)?.state ?? 'inactive');
  }

  /** As at a shutdown: whatever was started last is stopped first. */
  async stopAll(): Promise<void> {
    for (const name of [...this.#services.keys()].reverse()) await this.stop(name);
  }

  #service(name: string): Service {
    let service = this.#services.get(name);
    if (service === undefined) {
      const journal = openSync(join(this.#journals, `${name}.log`), 'a');
      service = new Service({ name, file: () => this.#file(name), journal, say: this.#say });
      this.#services.set(name, service);
    }
    return service;
  }

  #file(name: string): UnitFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      const path = join(this.#folder, name);
      if (!existsSync(path)) throw new Error(`Unit ${name} not found.`);
      const dropIns = existsSync(`${path}.d`) ? readdirSync(`${path}.d`).sort() : [];
      const texts = [path, ...dropIns.map((dropIn) => join(`${path}.d`, dropIn))].map((file_) =>
        readFileSync(file_, 'utf8'),
      );
      file = parseUnit(name, texts.join('\n'));
      this.#files.set(name, file);
    }
    return file;
  }
}
