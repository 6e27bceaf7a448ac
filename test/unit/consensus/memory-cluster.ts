import { silentLog } from '../../../node/src/lib/log.ts';
import type { Consensus, ObservedEvent, StateMachine } from '../../../node/src/consensus/consensus.ts';
import { openConsensus } from '../../../node/src/consensus/open.ts';
import type { ConsensusOptions } from '../../../node/src/consensus/options.ts';
import { defaultRaftLimits } from '../../../node/src/consensus/options.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { MemoryDisk, MemoryLogStore } from '../../../node/src/storage/memory/memory-log-store.ts';
import { MemoryNetwork } from '../../../node/src/transport/memory/memory-network.ts';
import { ManualTime, Recorder } from './twins.ts';

export interface MemoryMember {
  readonly id: string;
  readonly consensus: Consensus<string>;
  readonly machine: Recorder;
  readonly events: ObservedEvent[];
}

type MemberOverrides = Partial<ConsensusOptions<string>> & {
  /** What stands around the recorder of each member. */
  readonly around?: (machine: Recorder, id: string) => StateMachine<string>;
};

/** Real cores on virtual time: every member of a cluster in one process, with disks and a network that obey the test. */
export class MemoryCluster {
  readonly time = new ManualTime();
  readonly network = new MemoryNetwork({ clock: this.time.clock, delayMs: () => 1 });
  readonly members = new Map<string, MemoryMember>();
  /** What an fsync of this member's disk waits for, or fails with; at once where nothing stands. */
  readonly syncs = new Map<string, () => Promise<void>>();
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #ids: readonly string[];
  #session = 0;
  #seed = 1;

  readonly #options: MemberOverrides;

  private constructor(options: MemberOverrides, ids: readonly string[]) {
    this.#options = options;
    this.#ids = ids;
  }

  static open(...ids: string[]): Promise<MemoryCluster> {
    return MemoryCluster.openWith({}, ...ids);
  }

  static async openWith(options: MemberOverrides, ...ids: string[]): Promise<MemoryCluster> {
    const cluster = new MemoryCluster(options, ids);
    for (const id of ids) await cluster.start(id);
    return cluster;
  }

  async start(id: string): Promise<MemoryMember> {
    const disk = this.#disks.get(id) ?? new MemoryDisk();
    this.#disks.set(id, disk);
    const machine = new Recorder();
    const consensus = await openConsensus<string>({
      self: {
        nodeId: id,
        incarnation: `disk-of-${id}`,
        session: `s${++this.#session}`,
        region: 'r',
        apiAddress: '',
        electionPriority: 0,
      },
      listedSize: this.#ids.length,
      store: new MemoryLogStore({ disk, sync: () => this.syncs.get(id)?.() ?? Promise.resolve() }),
      transport: (self) => this.network.transport(self),
      ...{ stateMachine: machine, timings: timingProfiles.lan, limits: defaultRaftLimits, log: silentLog },
      ...{ clock: this.time.clock, defer: this.time.defer, random: () => this.#random() },
      proposedClusterId: `founded-by-${id}`,
      ...this.#options,
      ...(this.#options.around === undefined ? {} : { stateMachine: this.#options.around(machine, id) }),
    });
    const events: ObservedEvent[] = [];
    consensus.subscribe((event) => events.push(event));
    const member = { id, consensus, machine, events };
    this.members.set(id, member);
    return member;
  }

  async stop(member: MemoryMember): Promise<void> {
    this.members.delete(member.id);
    await member.consensus.close();
  }

  isolate(id: string): void {
    for (const other of this.#ids) if (other !== id) this.network.disconnect(id, other);
  }

  rejoin(id: string): void {
    for (const other of this.#ids) if (other !== id) this.network.heal(id, other);
  }

  others(member: MemoryMember): MemoryMember[] {
    return [...this.members.values()].filter((other) => other !== member);
  }

  leader(among: readonly MemoryMember[] = [...this.members.values()]): Promise<MemoryMember> {
    return this.time.until('a leader', () => among.find(({ consensus }) => consensus.status().leading));
  }

  /** Resolves with the outcome while virtual time passes: the result, or the error. */
  async outcome(promise: Promise<unknown>): Promise<unknown> {
    let outcome: { readonly value: unknown } | null = null;
    promise.then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { value: error }),
    );
    return (await this.time.until('an outcome', () => outcome)).value;
  }

  propose(member: MemoryMember, text: string): Promise<unknown> {
    return this.outcome(member.consensus.propose(Buffer.from(text)));
  }

  async allApplied(texts: readonly string[]): Promise<void> {
    const wanted = texts.join();
    await this.time.until(`all to apply ${wanted}`, () =>
      [...this.members.values()].every(({ machine }) => machine.applied.join() === wanted),
    );
  }

  // A linear congruential generator (Numerical Recipes): election timeouts differ, and each run is the same.
  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}
