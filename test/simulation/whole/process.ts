import type { Consensus } from '../../../node/src/consensus/consensus.ts';
import type { Sessions } from '../../../node/src/consensus/sessions/sessions.ts';
import { openConsensus } from '../../../node/src/consensus/open.ts';
import { defaultRaftLimits } from '../../../node/src/consensus/options.ts';
import type { SnapshotPolicy } from '../../../node/src/consensus/snapshots/policy.ts';
import type { Clock } from '../../../node/src/lib/clock.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { createFileSnapshotStore } from '../../../node/src/storage/snapshot/file-snapshot-store.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import type { MemoryNetwork } from '../../../node/src/transport/memory/memory-network.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import type { SimulatedDisk } from '../../unit/storage/simulated-disk.ts';
import { MachineClock, type World } from '../cluster-run/world.ts';
import { AppliedList, bothKinds } from './machine.ts';
import type { Applied, CreateSessions } from './machine.ts';

/** Small, so that a few hundred commands go through several files: most of what can go wrong does at their borders. */
const SEGMENT_BYTES = 8 * 1024;

/** Often, and with hardly a trail: members that were away need one. */
const policy: SnapshotPolicy = { intervalMs: 300, entries: 10, logBytes: 8 * 1024, maxBytesPerSecond: 2 * 1024 * 1024 };
const limits = { ...defaultRaftLimits, maxTrailingBytes: 1024 };

export interface ProcessParts {
  readonly world: World;
  readonly network: MemoryNetwork;
  readonly id: string;
  readonly listedSize: number;
  readonly disk: SimulatedDisk;
  readonly session: string;
  readonly createSessions: CreateSessions;
  /** Its own end: what it cannot go on after. */
  readonly onFatal: (error: unknown) => void;
  /** A snapshot that another member sent brought it forward. */
  readonly onInstalled: () => void;
  /** A command of a session came by the log that had come before in this life. */
  readonly onCopy: () => void;
  /** What its log store warns of. */
  readonly onWarning: (message: string) => void;
}

/** One life of a member: the host, the write-ahead log and the core as they are in production, on a simulated disk and network. */
export class MemberProcess {
  readonly parts: ProcessParts;
  readonly machine = new AppliedList();
  readonly sessions: Sessions<number>;
  consensus: Consensus<Applied> | null = null;
  clock: Clock | null = null;
  isAlive = true;
  #transport: Transport | null = null;

  constructor(parts: ProcessParts) {
    this.parts = parts;
    this.sessions = parts.createSessions(this.machine, parts.id);
  }

  async boot(): Promise<void> {
    const { world, network, id, listedSize, disk, session, onFatal, onInstalled, onWarning, onCopy } = this.parts;
    const { random } = world;
    const clock = new MachineClock(world, random.between(0, 1e6), random.between(-100, 100));
    clock.gate = (callback) => this.#ifAlive(callback);
    this.clock = clock;
    const incarnation = `disk-of-${id}`;
    const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random.next() * 256);
    const log = { ...silentLog, warn: (_: object, message: string) => onWarning(message) };
    const store = createWalStore({
      ...{ directory: '/wal', nodeId: id, incarnation, disk, segmentBytes: SEGMENT_BYTES, random: bytes, clock, log },
    });
    const consensus = await openConsensus<Applied>({
      self: { nodeId: id, incarnation, session, region: 'r', apiAddress: '' },
      ...{ listedSize, store, stateMachine: bothKinds(this.machine, this.sessions, onCopy), clock, log: silentLog },
      snapshots: { store: createFileSnapshotStore({ directory: '/snapshots', disk, random: bytes }), policy },
      ...{ timings: timingProfiles.lan, limits, proposedClusterId: `founded-by-${session}` },
      transport: (self) => (this.#transport = network.transport(self)),
      random: () => random.next(),
      defer: (callback) => void world.after(0, () => this.#ifAlive(callback)),
    });
    if (!this.isAlive) {
      this.die();
      return;
    }
    this.consensus = consensus;
    this.sessions.serve(consensus);
    consensus.subscribe((event) => {
      if (event.kind === 'fatal') onFatal(event.error);
      if (event.kind === 'raft' && event.event.kind === 'snapshotInstalled' && !event.event.isStale) onInstalled();
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
