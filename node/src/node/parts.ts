import { randomUUID } from 'node:crypto';
import { createGeneratorPool } from '../agent/generator-pool.ts';
import type { ApiBackend } from '../api/backend.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { AgentRef, ClusterState } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { openConsensus } from '../consensus/open.ts';
import { defaultRaftLimits } from '../consensus/options.ts';
import { defaultSnapshotPolicy } from '../consensus/snapshots/policy.ts';
import type { SnapshotPolicy } from '../consensus/snapshots/policy.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { createNodeRuntime, type NodeRuntime } from '../runtime/node-runtime.ts';
import { createReplicatedState, type ReplicatedState } from '../runtime/replicated-state.ts';
import { warmUpIntervals } from '../runtime/warm-up.ts';
import { writeUnsentTo } from '../runtime/write-unsent.ts';
import type { Settings } from '../settings/schema.ts';
import type { DataDirectory } from '../storage/data-dir.ts';
import { createFileSnapshotStore } from '../storage/snapshot/file-snapshot-store.ts';
import { createWalStore } from '../storage/wal/wal-store.ts';
import { createGrpcTransport } from '../transport/grpc/grpc-transport.ts';
import { createTcpTransport } from '../transport/tcp/tcp-transport.ts';
import type { ListedPeer } from '../transport/transport.ts';
import { createBackend } from './backend.ts';
import type { Close } from './close-all.ts';
import type { PeerSecurity } from './doors.ts';
import { handOver } from './hand-over.ts';
import { deliverPlans, type OpenedSource } from './open-source.ts';
import { keepResults, type WriteResult } from './keep-results.ts';
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
  /** Aborted when somebody stops the node in order; a node that is still looking for its cluster gives up then. */
  readonly stopped: AbortSignal;
}

/** What all parts of a node have in common. */
export interface Frame {
  readonly settings: Settings;
  /** Of the doors between the nodes. */
  readonly security: PeerSecurity;
  readonly hooks: NodeHooks;
  readonly directory: DataDirectory;
  readonly source: OpenedSource | null;
  /** Null: results stay in the cluster. */
  readonly writeResult: WriteResult | null;
  readonly self: AgentRef;
  /** Closed from the last to the first. */
  readonly opened: Close[];
}

/** Who the others are, as far as the consensus needs it to begin. */
export interface Company {
  readonly listed: readonly ListedPeer[];
  readonly selfIndex: number;
  /** How many founded the cluster, or are to. */
  readonly listedSize: number;
  readonly joins: boolean;
  /** host:port by id, of those that `listed` does not name. */
  readonly contacts: Readonly<Record<string, string>>;
  /** What the addresses of the others were taken from, for messages. */
  readonly origin: string;
  /** host:port of the HTTP API, for people and redirects. */
  readonly apiAddress: string;
  /** In the turn in which the consensus was opened, before anything happens in it. */
  readonly onConsensus: (consensus: Consensus<CommandResult>) => void;
  /** An end of the consensus that somebody asked for is none to report. */
  readonly isExpected: (error: unknown) => boolean;
}

/** The consensus and all that stands on it. */
export async function openBehind(frame: Frame, company: Company): Promise<ApiBackend> {
  const { settings, hooks, source, writeResult, self, opened } = frame;
  const replicated = createReplicatedState();
  const consensus = await openOwnConsensus(frame, company, replicated);
  opened.push(() => consensus.close());
  hooks.identify(() => ({ node: self.node, term: consensus.status().term, run: runThatIsOn(replicated.state()) }));
  consensus.subscribe((event) => {
    if (event.kind === 'fatal' && !company.isExpected(event.error)) hooks.onFatal(event.error);
  });
  company.onConsensus(consensus);
  opened.push(watchUnreachable(() => consensus.peers(), company.origin, systemClock, hooks.log));
  opened.push(watchMajority(consensus, systemClock, hooks.log));
  const runtime = openRuntime(frame, consensus, replicated);
  opened.push(() => runtime.close());
  opened.push(() => handOver(consensus, hooks.log));
  if (writeResult !== null) {
    const state = (): ClusterState => replicated.state();
    const parts = { consensus, runtime, state, clock: systemClock, random: Math.random, log: hooks.log };
    opened.push(keepResults({ ...parts, write: writeResult }));
  }
  const delivery = source === null ? null : deliverPlans(source, settings, hooks, { consensus, runtime, replicated });
  opened.push(() => delivery?.close());
  return createBackend({
    consensus,
    runtime,
    state: () => replicated.state(),
    region: settings.region,
    delivery,
  });
}

function runThatIsOn({ run }: ClusterState): string | undefined {
  return run === null || isOver(run.phase) ? undefined : run.id;
}

async function openOwnConsensus(
  frame: Frame,
  company: Company,
  replicated: ReplicatedState,
): Promise<Consensus<CommandResult>> {
  const { settings, security, hooks, directory, self: agent } = frame;
  const { nodeId, incarnation } = directory;
  const { listed, listedSize, selfIndex, joins, contacts, apiAddress } = company;
  const createTransport = settings.transport === 'tcp' ? createTcpTransport : createGrpcTransport;
  return openConsensus<CommandResult>({
    self: {
      nodeId,
      incarnation,
      session: agent.session,
      region: settings.region,
      apiAddress,
      electionPriority: settings.electionPriority,
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

function openRuntime(
  { settings, hooks, self }: Frame,
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
