import type { Consensus, StateMachine } from '../../../node/src/consensus/consensus.ts';
import { openConsensus } from '../../../node/src/consensus/open.ts';
import { defaultRaftLimits } from '../../../node/src/consensus/options.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import type { MemoryNetwork } from '../../../node/src/transport/memory/memory-network.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import type { SimulatedDisk } from '../../unit/storage/simulated-disk.ts';
import { MachineClock, type World } from '../cluster-run/world.ts';

/** Small, so that a few hundred commands go through several files: most of what can go wrong does at their borders. */
const SEGMENT_BYTES = 8 * 1024;

export class AppliedList implements StateMachine<number> {
  readonly applied: string[] = [];

  apply(command: Uint8Array): number {
    return this.applied.push(Buffer.from(command).toString());
  }
}

export interface ProcessParts {
  readonly world: World;
  readonly network: MemoryNetwork;
  readonly id: string;
  readonly listedSize: number;
  readonly disk: SimulatedDisk;
  readonly session: string;
  /** Its own end: what it cannot go on after. */
  readonly onFatal: (error: unknown) => void;
}

/** One life of a member: the host, the write-ahead log and the core as they are in production, on a simulated disk and network. */
export class MemberProcess {
  readonly parts: ProcessParts;
  readonly machine = new AppliedList();
  consensus: Consensus<number> | null = null;
  isAlive = true;
  #transport: Transport | null = null;

  constructor(parts: ProcessParts) {
    this.parts = parts;
  }

  async boot(): Promise<void> {
    const { world, network, id, listedSize, disk, session, onFatal } = this.parts;
    const { random } = world;
    const clock = new MachineClock(world, random.between(0, 1e6), random.between(-100, 100));
    clock.gate = (callback) => this.#ifAlive(callback);
    const incarnation = `disk-of-${id}`;
    const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random.next() * 256);
    const store = createWalStore({
      ...{ directory: '/wal', nodeId: id, incarnation, disk, segmentBytes: SEGMENT_BYTES, random: bytes },
    });
    const consensus = await openConsensus<number>({
      self: { nodeId: id, incarnation, session, region: 'r', apiAddress: '' },
      ...{ listedSize, store, stateMachine: this.machine, clock, log: silentLog },
      ...{ timings: timingProfiles.lan, limits: defaultRaftLimits, proposedClusterId: `founded-by-${session}` },
      transport: (self) => (this.#transport = network.transport(self)),
      random: () => random.next(),
      defer: (callback) => void world.after(0, () => this.#ifAlive(callback)),
    });
    if (!this.isAlive) {
      this.die();
      return;
    }
    this.consensus = consensus;
    consensus.subscribe((event) => {
      if (event.kind === 'fatal') onFatal(event.error);
    });
  }

  /** Nothing of it happens any more; the others see its connections end. What its disk holds is not its business. */
  die(): void {
    this.isAlive = false;
    this.consensus = null;
    void this.#transport?.close();
  }

  #ifAlive(callback: () => void): void {
    if (this.isAlive) callback();
  }
}
