import { TuttiError } from '../../../node/src/lib/errors.ts';
import { MemoryNetwork } from '../../../node/src/transport/memory/memory-network.ts';
import { SimulatedDisk } from '../../unit/storage/simulated-disk.ts';
import { World } from '../cluster-run/world.ts';
import { createSessions } from './machine.ts';
import type { CreateSessions } from './machine.ts';
import { MemberProcess } from './process.ts';

/** What a client was told of one command. */
export interface Outcome {
  readonly command: string;
  readonly kind: 'acknowledged' | 'refused' | 'unknown';
}

/** Refused: it never takes effect. Whatever else a proposal ends with may or may not. */
const refusals: readonly string[] = ['NOT_LEADER', 'BUSY', 'SHUTTING_DOWN'];

/** Members as they are in production, but for the clock, the network and the disk below them. */
export class WholeCluster {
  readonly world: World;
  readonly network: MemoryNetwork;
  readonly ids: readonly string[];
  readonly processes = new Map<string, MemberProcess>();
  readonly outcomes: Outcome[] = [];
  /** What must never happen. */
  readonly failures: string[] = [];
  readonly counts = {
    ...{ deaths: 0, powerCuts: 0, diskErrors: 0, reads: 0, installs: 0, roomAgain: 0, segments: 0 },
    ...{ sessions: 0, copies: 0, expired: 0 },
  };
  /** Of the one command that is under way, `acknowledged` by then. */
  readonly #acknowledged: string[] = [];
  readonly #disks = new Map<string, SimulatedDisk>();
  readonly #createSessions: CreateSessions;
  #sessions = 0;
  #commands = 0;

  constructor(seed: number, size: number, create = createSessions) {
    this.#createSessions = create;
    this.world = new World(seed);
    const { random } = this.world;
    const clock = {
      nowMs: () => this.world.nowMs,
      at: (atMs: number, run: () => void) => this.world.after(atMs - this.world.nowMs, run),
    };
    this.network = new MemoryNetwork({ clock, delayMs: () => random.between(0.1, 3) });
    this.ids = Array.from({ length: size }, (_, at) => `n${at}`);
    for (const id of this.ids) this.#disks.set(id, this.#prepared(new SimulatedDisk()));
  }

  get alive(): MemberProcess[] {
    return [...this.processes.values()].filter((each) => each.isAlive && each.consensus !== null);
  }

  disk(id: string): SimulatedDisk {
    return this.#disks.get(id)!;
  }

  async boot(id: string): Promise<void> {
    if (this.processes.get(id)?.isAlive === true) return;
    const { world, network } = this;
    const disk = this.disk(id);
    const process: MemberProcess = new MemberProcess({
      ...{ world, network, id, listedSize: this.ids.length, disk, session: `s${++this.#sessions}` },
      createSessions: this.#createSessions,
      onFatal: (error) => this.#fatal(process, error),
      onInstalled: () => (this.counts.installs += 1),
      onCopy: () => (this.counts.copies += 1),
      onWarning: (message) => (this.counts.roomAgain += message === 'the disk has room again' ? 1 : 0),
    });
    this.processes.set(id, process);
    try {
      await process.boot();
    } catch (error) {
      this.#fatal(process, error);
    }
  }

  /** SIGKILL: what was written stays, synced or not. */
  kill(id: string): void {
    this.#end(id, (disk) => disk.afterKill());
  }

  /** What was not synced is lost, or kept sector by sector in any order. */
  cutPower(id: string): void {
    this.counts.powerCuts += 1;
    const { random } = this.world;
    this.#end(id, (disk) => disk.afterPowerCut(() => random.next()));
  }

  /** A client that proposes one command to whichever member, and takes note of what it is told. */
  propose(): void {
    const { consensus, parts } = this.world.random.pick(this.alive);
    const command = `${parts.id}-${++this.#commands}-${'x'.repeat(this.world.random.between(1, 400))}`;
    const process = this.processes.get(parts.id)!;
    const isHeard = (): boolean => process.isAlive;
    consensus!.propose(Buffer.from(command)).then(
      () => {
        if (isHeard()) this.acknowledge(command);
        else this.told(command, 'unknown');
      },
      (error: unknown) => {
        const { code } = TuttiError.from(error);
        this.told(command, isHeard() && refusals.includes(code) ? 'refused' : 'unknown');
      },
    );
  }

  /** A read sees all that was acknowledged, to whomever, before it was asked. */
  read(): void {
    const process = this.world.random.pick(this.alive);
    const before = this.#acknowledged.length;
    process
      .consensus!.read(() => new Set(process.machine.applied))
      .then(
        (seen) => {
          if (!process.isAlive) return;
          this.counts.reads += 1;
          const missing = this.#acknowledged.slice(0, before).find((command) => !seen.has(command));
          if (missing !== undefined) this.failures.push(`a read on ${process.parts.id} misses ${missing.slice(0, 12)}`);
        },
        (error: unknown) => {
          if (!(error instanceof TuttiError)) this.failures.push(`a read failed with ${String(error)}`);
        },
      );
  }

  get acknowledged(): readonly string[] {
    return this.#acknowledged;
  }

  acknowledge(command: string): void {
    this.#acknowledged.push(command);
    this.told(command, 'acknowledged');
  }

  told(command: string, kind: Outcome['kind']): void {
    this.outcomes.push({ command, kind });
  }

  /** A member that cannot go on ends, as its program would. Only a disk that failed is a reason. */
  #fatal(process: MemberProcess, thrown: unknown): void {
    if (!process.isAlive) return;
    const error = TuttiError.from(thrown);
    const { id, disk } = process.parts;
    if (!disk.hasPower) return this.cutPower(id);
    if (error.code !== 'DISK_FAILED') this.failures.push(`${id}: ${error.code}: ${error.message}`);
    this.counts.diskErrors += 1;
    this.kill(id);
  }

  #end(id: string, next: (disk: SimulatedDisk) => SimulatedDisk): void {
    const process = this.processes.get(id);
    if (process?.isAlive !== true) return;
    this.counts.deaths += 1;
    process.die();
    const disk = this.disk(id);
    this.counts.segments = Math.max(this.counts.segments, disk.names().length);
    this.#disks.set(id, this.#prepared(next(disk)));
  }

  /** Syncs take their time, now and then longer than an election. */
  #prepared(disk: SimulatedDisk): SimulatedDisk {
    const { world } = this;
    disk.syncGate = () =>
      new Promise((resolve) => {
        const tookMs = world.random.chance(0.005) ? world.random.between(100, 700) : world.random.between(0.05, 2);
        world.after(tookMs, resolve);
      });
    return disk;
  }
}
