import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { createGeneratorPool } from '../agent/generator-pool.ts';
import { type ApiServer, startApi } from '../api/server.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { AgentRef, ClusterState } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { openConsensus } from '../consensus/open.ts';
import { defaultRaftLimits } from '../consensus/options.ts';
import { defaultSnapshotPolicy } from '../consensus/snapshots/policy.ts';
import type { SnapshotPolicy } from '../consensus/snapshots/policy.ts';
import { systemClock } from '../lib/clock.ts';
import { ownHostNames } from '../lib/host-header.ts';
import type { Log } from '../lib/log.ts';
import { createNodeRuntime, type NodeRuntime } from '../runtime/node-runtime.ts';
import { createReplicatedState, type ReplicatedState } from '../runtime/replicated-state.ts';
import { warmUpIntervals } from '../runtime/warm-up.ts';
import { writeUnsentTo } from '../runtime/write-unsent.ts';
import type { Settings } from '../settings/schema.ts';
import { type DataDirectory, openDataDirectory } from '../storage/data-dir.ts';
import { createFileSnapshotStore } from '../storage/snapshot/file-snapshot-store.ts';
import { createWalStore } from '../storage/wal/wal-store.ts';
import { formatAddress } from '../transport/addresses.ts';
import { createGrpcTransport } from '../transport/grpc/grpc-transport.ts';
import { createTcpTransport } from '../transport/tcp/tcp-transport.ts';
import { createBackend } from './backend.ts';
import { type Close, closeAll } from './close-all.ts';
import { handOver } from './hand-over.ts';
import { checkDoors, peerSecurity } from './doors.ts';
import { deliverPlans, type OpenedSource, openSource } from './open-source.ts';
import { type Place, readPlace } from './place.ts';
import { newRunId } from './run-id.ts';
import { timingsOf } from './timings.ts';
import { watchUnreachable } from './unreachable.ts';
import { watchMajority } from './watch-majority.ts';

export interface RunningNode {
  readonly apiAddress: string;
  /** In order: no new requests, no more load, then the log and the data directory. */
  close(): Promise<void>;
}

export interface NodeHooks {
  readonly log: Log;
  /** The node can no longer take part; the process must end. */
  readonly onFatal: (error: unknown) => void;
  /** Called with more each time more is known: what stands on every line of the log from then on. */
  readonly identify: (fields: () => object) => void;
}

/** Opens everything a node consists of, from the disk up to the API; what was opened is closed again if a later part fails. */
export async function startNode(settings: Settings, hooks: NodeHooks): Promise<RunningNode> {
  checkDoors(settings);
  // Before anything is opened.
  timingsOf(settings);
  const source = await openSource(settings);
  const place = await readPlace(settings);
  const directory = await openOwnDirectory(settings, place);
  const opened: Close[] = [() => directory.close()];
  try {
    return await openParts(settings, hooks, place, directory, source, opened);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function openParts(
  settings: Settings,
  hooks: NodeHooks,
  place: Place,
  directory: DataDirectory,
  source: OpenedSource | null,
  opened: Close[],
): Promise<RunningNode> {
  const { nodeId } = directory;
  hooks.identify(() => ({ node: nodeId }));
  const self: AgentRef = { node: nodeId, session: randomUUID(), region: settings.region };
  const replicated = createReplicatedState();
  const consensus = await openOwnConsensus(settings, hooks, place, directory, self, replicated);
  opened.push(() => consensus.close());
  hooks.identify(() => ({ node: nodeId, term: consensus.status().term, run: runThatIsOn(replicated.state()) }));
  consensus.subscribe((event) => {
    if (event.kind === 'fatal') hooks.onFatal(event.error);
  });
  opened.push(watchUnreachable(() => consensus.peers(), systemClock, hooks.log));
  opened.push(watchMajority(consensus, systemClock, hooks.log));
  const runtime = openRuntime(settings, hooks, self, consensus, replicated);
  opened.push(() => runtime.close());
  opened.push(() => handOver(consensus, hooks.log));
  const delivery = source === null ? null : deliverPlans(source, settings, hooks, { consensus, runtime, replicated });
  opened.push(() => delivery?.close());
  const backend = createBackend({
    consensus,
    runtime,
    state: () => replicated.state(),
    region: settings.region,
    delivery,
  });
  const api: ApiServer = await startApi({
    backend,
    ...settings.healthAddress,
    token: settings.apiAuthToken,
    ownNames: ownHostNames([
      settings.healthAddress.host,
      ...place.listed.map(({ host }) => host),
      ...settings.apiHostNames,
    ]),
    log: hooks.log,
  });
  opened.push(() => api.close());
  return {
    apiAddress: formatAddress(api.address.host, api.address.port),
    close: () => closeAll(opened),
  };
}

function runThatIsOn({ run }: ClusterState): string | undefined {
  return run === null || isOver(run.phase) ? undefined : run.id;
}

/** The id is the directory's, else the one that was given, else the one the list has for this address, else the host name. */
function openOwnDirectory(settings: Settings, place: Place): Promise<DataDirectory> {
  const fallbackNodeId = place.listedIdHere() ?? hostname();
  const check = (nodeId: string): void => void place.selfIndex(nodeId);
  return openDataDirectory(settings.dataDirectory, { nodeId: settings.nodeId, fallbackNodeId, check });
}

async function openOwnConsensus(
  settings: Settings,
  hooks: NodeHooks,
  place: Place,
  directory: DataDirectory,
  agent: AgentRef,
  replicated: ReplicatedState,
): Promise<Consensus<CommandResult>> {
  const { nodeId, incarnation } = directory;
  const selfIndex = place.selfIndex(nodeId);
  const elsewhere = place.elsewhere(selfIndex);
  if (elsewhere !== null) hooks.log.warn({}, elsewhere);
  const createTransport = settings.transport === 'tcp' ? createTcpTransport : createGrpcTransport;
  return openConsensus<CommandResult>({
    self: {
      nodeId,
      incarnation,
      session: agent.session,
      region: settings.region,
      apiAddress: formatAddress(settings.healthAddress.host, settings.healthAddress.port),
      electionPriority: settings.electionPriority,
    },
    listedSize: place.listed.length,
    store: createWalStore({ directory: directory.walDirectory, nodeId, incarnation, log: hooks.log }),
    transport: (self) =>
      createTransport({
        self,
        bind: settings.bindAddress,
        listed: place.listed,
        selfIndex,
        security: peerSecurity(settings),
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

function openRuntime(
  settings: Settings,
  hooks: NodeHooks,
  self: AgentRef,
  consensus: Consensus<CommandResult>,
  replicated: ReplicatedState,
): NodeRuntime {
  return createNodeRuntime({
    consensus,
    state: () => replicated.state(),
    self,
    createGenerators: createGeneratorPool({ count: settings.generators, clock: systemClock, log: hooks.log }),
    warmUp: (plan) => warmUpIntervals(plan, systemClock),
    settings: {
      configTimeoutMs: settings.configTimeoutSecs * 1000,
      electionTimeoutMaxMs: () => consensus.status().timings.electionTimeoutMaxMs,
    },
    clock: systemClock,
    unixMs: Date.now,
    newRunId,
    writeUnsent: writeUnsentTo(settings.dataDirectory),
    log: hooks.log,
    onBug: hooks.onFatal,
  });
}
