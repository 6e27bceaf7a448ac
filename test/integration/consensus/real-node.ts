import { randomUUID } from 'node:crypto';
import type { Consensus, ConsensusEvent, Log, StateMachine } from '../../../node/src/consensus/index.ts';
import {
  createGrpcTransport,
  createWalStore,
  defaultRaftLimits,
  openConsensus,
  openDataDirectory,
  silentLog,
  systemClock,
  timingProfiles,
} from '../../../node/src/consensus/index.ts';

/** Remembers what it applied, in order; answers with how many that are. */
export class Ledger implements StateMachine<number> {
  readonly applied: string[] = [];

  apply(command: Uint8Array): number {
    return this.applied.push(Buffer.from(command).toString());
  }
}

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
}

/** A member as the program runs it: data directory, write-ahead log, gRPC on loopback, the system's clock. */
export async function openRealNode({ id, dataDir, ports, log = silentLog }: RealNodeOptions): Promise<RealNode> {
  const directory = await openDataDirectory(dataDir, { nodeId: id, fallbackNodeId: id });
  const { incarnation, walDirectory } = directory;
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
    },
    listedSize: listed.length,
    store: createWalStore({ directory: walDirectory, nodeId: id, incarnation, segmentBytes: 1024 * 1024 }),
    transport: (self) =>
      createGrpcTransport({
        ...{ self, listed, selfIndex, clock: systemClock, log },
        bind: { host: '127.0.0.1', port: listed[selfIndex]!.port },
        security: { secret: 'between friends', tls: null },
      }),
    ...{ stateMachine: ledger, timings: timingProfiles.lan, limits: defaultRaftLimits, clock: systemClock, log },
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
