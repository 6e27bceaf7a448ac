import { randomUUID } from 'node:crypto';
import type {
  Consensus,
  ConsensusEvent,
  Log,
  SnapshotPolicy,
  StateMachine,
} from '../../../node/src/consensus/index.ts';
import {
  createFileSnapshotStore,
  createGrpcTransport,
  createWalStore,
  defaultRaftLimits,
  openConsensus,
  openDataDirectory,
  silentLog,
  systemClock,
  timingProfiles,
} from '../../../node/src/consensus/index.ts';

/** Remembers what it applied, in order, or of long texts their beginning; answers with how many that are. */
export class Ledger implements StateMachine<number> {
  readonly applied: string[] = [];

  apply(command: Uint8Array): number {
    return this.applied.push(Buffer.from(command).toString('latin1', 0, 20));
  }

  /** In two pieces, as a large state would be given. */
  *snapshot(): Iterable<Uint8Array> {
    const applied = [...this.applied];
    for (const part of [applied.slice(0, 1), applied.slice(1)])
      yield Buffer.from(part.map((text) => `${text}\n`).join(''));
  }

  restore(snapshot: Uint8Array): void {
    this.applied.splice(0, Infinity, ...Buffer.from(snapshot).toString('latin1').split('\n').slice(0, -1));
  }
}

const segmentBytes = 1024 * 1024;

export interface RealNode {
  readonly id: string;
  readonly consensus: Consensus<number>;
  readonly ledger: Ledger;
  readonly events: ConsensusEvent[];
  close(): Promise<void>;
}

export interface RealNodeOptions {
  readonly id: string;
  readonly dataDir: string;
  readonly ports: ReadonlyMap<string, number>;
  readonly log?: Log;
  /** With it snapshots are taken, and nothing of the log is kept before the last one. */
  readonly snapshots?: SnapshotPolicy;
}

/** A member as the program runs it: data directory, write-ahead log, gRPC on loopback, the system's clock. */
export async function openRealNode({
  id,
  dataDir,
  ports,
  log = silentLog,
  snapshots,
}: RealNodeOptions): Promise<RealNode> {
  const directory = await openDataDirectory(dataDir, { nodeId: id, fallbackNodeId: id }, { segmentBytes });
  const { incarnation, walDirectory, snapshotDirectory } = directory;
  const listed = [...ports].map(([peerId, port]) => ({ id: peerId, host: '127.0.0.1', port }));
  const selfIndex = listed.findIndex((peer) => peer.id === id);
  const ledger = new Ledger();
  const consensus = await openConsensus<number>({
    self: {
      nodeId: id,
      incarnation,
      session: randomUUID(),
      region: 'test',
      apiAddress: `127.0.0.1:0`,
      electionPriority: 0,
      isLearner: false,
    },
    listedSize: listed.length,
    store: createWalStore({ directory: walDirectory, nodeId: id, incarnation, segmentBytes }),
    transport: (self) =>
      createGrpcTransport({
        ...{ self, listed, selfIndex, clock: systemClock, log },
        bind: { host: '127.0.0.1', port: listed[selfIndex]!.port },
        security: { secret: 'between friends', tls: null },
      }),
    ...(snapshots === undefined
      ? {}
      : { snapshots: { store: createFileSnapshotStore({ directory: snapshotDirectory }), policy: snapshots } }),
    limits: { ...defaultRaftLimits, maxTrailingBytes: 0 },
    ...{ stateMachine: ledger, timings: timingProfiles.lan, clock: systemClock, log },
    random: Math.random,
    proposedClusterId: randomUUID(),
  });
  const events: ConsensusEvent[] = [];
  consensus.subscribe((event) => events.push(event));
  consensus.handle('echo', (body) => Promise.resolve(body));
  return {
    ...{ id, consensus, ledger, events },
    close: async () => {
      await consensus.close();
      directory.close();
    },
  };
}
