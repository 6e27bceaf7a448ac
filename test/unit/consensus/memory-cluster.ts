import { silentLog } from '../../../node/src/lib/log.ts';
import type { Consensus, ObservedEvent, StateMachine } from '../../../node/src/consensus/consensus.ts';
import { openConsensus } from '../../../node/src/consensus/open.ts';
import type { ConsensusOptions } from '../../../node/src/consensus/options.ts';
import type { SnapshotPolicy } from '../../../node/src/consensus/snapshots/policy.ts';
import { defaultRaftLimits } from '../../../node/src/consensus/options.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { MemoryDisk, MemoryLogStore } from '../../../node/src/storage/memory/memory-log-store.ts';
import { MemorySnapshotStore } from '../../../node/src/storage/memory/memory-snapshot-store.ts';
import type { MemorySnapshotFiles } from '../../../node/src/storage/memory/memory-snapshot-store.ts';
import { MemoryNetwork } from '../../../node/src/transport/memory/memory-network.ts';
import type { PeerFrame, Transport } from '../../../node/src/transport/transport.ts';
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
  /** With it, members take and keep snapshots. */
  readonly policy?: SnapshotPolicy;
};

/** Real cores on virtual time: every member of a cluster in one process, with disks and a network that obey the test. */
export class MemoryCluster {
  readonly time = new ManualTime();
  readonly network = new MemoryNetwork({ clock: this.time.clock, delayMs: () => 1 });
  readonly members = new Map<string, MemoryMember>();
  /** What an fsync of this member's disk waits for, or fails with; at once where nothing stands. */
  readonly syncs = new Map<string, () => Promise<void>>();
  /** The same of a file that it makes a snapshot of; `syncs` counts where nothing stands. */
  readonly snapshotSyncs = new Map<string, () => Promise<void>>();
  /** With it, members take and keep snapshots; and of the log nothing before the last one. */
  policy: SnapshotPolicy | null;
  /** Sees each frame that a member sends; false: it is lost. */
  onSend: (from: string, to: string, frame: PeerFrame) => boolean = () => true;
  readonly snapshotFiles = new Map<string, MemorySnapshotFiles>();
  readonly disks = new Map<string, MemoryDisk>();
  readonly #ids: readonly string[];
  #session = 0;
  #seed = 1;

  readonly #options: MemberOverrides;

  private constructor(options: MemberOverrides, ids: readonly string[]) {
    this.#options = options;
    this.#ids = ids;
    this.policy = options.policy ?? null;
  }

  static open(...ids: string[]): Promise<MemoryCluster> {
    return MemoryCluster.openWith({}, ...ids);
  }

  static async openWith(options: MemberOverrides, ...ids: string[]): Promise<MemoryCluster> {
    const cluster = new MemoryCluster(options, ids);
    for (const id of ids) await cluster.start(id);
    return cluster;
  }

  async start(id: string, machine = new Recorder()): Promise<MemoryMember> {
    const disk = this.disks.get(id) ?? new MemoryDisk();
    this.disks.set(id, disk);
    const consensus = await openConsensus<string>({
      self: {
        nodeId: id,
        incarnation: `disk-of-${id}`,
        session: `s${++this.#session}`,
        region: 'r',
        apiAddress: '',
        electionPriority: 0,
        isLearner: false,
      },
      listedSize: this.#ids.length,
      store: new MemoryLogStore({ disk, sync: () => this.syncs.get(id)?.() ?? Promise.resolve() }),
      transport: (self) => this.#tapped(id, this.network.transport(self)),
      ...this.#snapshotsOf(id),
      ...{ stateMachine: machine, timings: timingProfiles.lan, log: silentLog },
      limits: { ...defaultRaftLimits, maxTrailingBytes: 0 },
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

  #snapshotsOf(id: string): Pick<ConsensusOptions<string>, 'snapshots'> {
    if (this.policy === null) return {};
    const files = this.snapshotFiles.get(id) ?? [];
    this.snapshotFiles.set(id, files);
    return {
      snapshots: {
        store: new MemorySnapshotStore(
          files,
          () => (this.snapshotSyncs.get(id) ?? this.syncs.get(id))?.() ?? Promise.resolve(),
        ),
        policy: this.policy,
      },
    };
  }

  #tapped(id: string, transport: Transport): Transport {
    const send = transport.send.bind(transport);
    transport.send = (to, frame) => (this.onSend(id, to, frame) ? send(to, frame) : true);
    return transport;
  }

  // A linear congruential generator (Numerical Recipes): election timeouts differ, and each run is the same.
  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}
