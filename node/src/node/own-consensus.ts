import { randomUUID } from 'node:crypto';
import type { CommandResult } from '../cluster/commands.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { openConsensus } from '../consensus/open.ts';
import { defaultRaftLimits } from '../consensus/options.ts';
import { rehearseElections } from '../consensus/rehearsal.ts';
import { defaultSnapshotPolicy } from '../consensus/snapshots/policy.ts';
import type { SnapshotPolicy } from '../consensus/snapshots/policy.ts';
import { systemClock } from '../lib/clock.ts';
import type { ReplicatedState } from '../runtime/replicated-state.ts';
import type { Settings } from '../settings/schema.ts';
import { createFileSnapshotStore } from '../storage/snapshot/file-snapshot-store.ts';
import { createWalStore } from '../storage/wal/wal-store.ts';
import { createGrpcTransport } from '../transport/grpc/grpc-transport.ts';
import { createTcpTransport } from '../transport/tcp/tcp-transport.ts';
import type { Company, Frame } from './frame.ts';
import { timingsOf } from './timings.ts';

/** What the settings make of the consensus: disk, transport, snapshots, timings. */
export async function openOwnConsensus(
  frame: Frame,
  company: Company,
  replicated: ReplicatedState,
): Promise<Consensus<CommandResult>> {
  const { settings, security, hooks, directory, self: agent } = frame;
  const { nodeId, incarnation } = directory;
  const { listed, listedSize, selfIndex, joins, contacts, apiAddress } = company;
  const createTransport = settings.transport === 'tcp' ? createTcpTransport : createGrpcTransport;
  rehearseElections();
  return openConsensus<CommandResult>({
    self: {
      nodeId,
      incarnation,
      session: agent.session,
      region: settings.region,
      apiAddress,
      electionPriority: settings.electionPriority,
      isLearner: frame.isLearner,
    },
    ...{ listedSize, joins, contacts },
    store: createWalStore({ directory: directory.walDirectory, nodeId, incarnation, log: hooks.log }),
    transport: (self) =>
      createTransport({
        self,
        bind: settings.bindAddress,
        listed,
        selfIndex,
        security,
        clock: systemClock,
        log: hooks.log,
      }),
    stateMachine: replicated.stateMachine,
    snapshots: {
      store: createFileSnapshotStore({ directory: directory.snapshotDirectory }),
      policy: snapshotPolicy(settings),
    },
    timings: timingsOf(settings),
    ...(settings.removeDeadAfterSecs !== null && { removeDeadAfterMs: settings.removeDeadAfterSecs * 1_000 }),
    limits: defaultRaftLimits,
    clock: systemClock,
    random: Math.random,
    log: hooks.log,
    proposedClusterId: randomUUID(),
  });
}

function snapshotPolicy({ snapshotIntervalSecs, snapshotThreshold, snapshotLogMib }: Settings): SnapshotPolicy {
  return {
    ...defaultSnapshotPolicy,
    intervalMs: snapshotIntervalSecs * 1000,
    entries: snapshotThreshold,
    logBytes: snapshotLogMib * 1024 * 1024,
  };
}
