import { randomUUID } from 'node:crypto';
import { systemClock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import type { Log } from '../lib/log.ts';
import type { LeaseOptions, RaftLimits } from '../raft/core.ts';
import { timingProfiles } from '../raft/types.ts';
import type { NodeId, Timings } from '../raft/types.ts';
import { openDataDirectory } from '../storage/data-dir.ts';
import type { DataDirectory } from '../storage/data-dir.ts';
import type { LogStore } from '../storage/log-store.ts';
import { createFileSnapshotStore } from '../storage/snapshot/file-snapshot-store.ts';
import { createWalStore } from '../storage/wal/wal-store.ts';
import { parseAddress, parseClusterNodes } from '../transport/addresses.ts';
import { refuseOpenDoor } from '../transport/doors.ts';
import { createGrpcTransport } from '../transport/grpc/grpc-transport.ts';
import { createTcpTransport } from '../transport/tcp/tcp-transport.ts';
import type { TlsIdentity, TlsSource } from '../transport/peer/options.ts';
import type { ListedPeer } from '../transport/transport.ts';
import type { Consensus, StateMachine } from './consensus.ts';
import { openConsensus } from './open.ts';
import { defaultRaftLimits } from './options.ts';
import type { ConsensusOptions } from './options.ts';
import { rehearseElections } from './rehearsal.ts';
import { defaultSnapshotPolicy } from './snapshots/policy.ts';
import type { SnapshotPolicy } from './snapshots/policy.ts';

export interface MemberOptions<Result> {
  /** Which element of `nodes` this member is; with `join`, none of them. */
  readonly id: NodeId;
  /** Every member that founds the cluster, this one included: "a=host:port,b=host:port,...". The same text on each of them. */
  readonly nodes: string;
  /**
   * host:port, where the others reach this node, which is not in `nodes`: it founds no cluster, and takes part in theirs once
   * `addNode` has admitted it.
   */
  readonly join?: string;
  /** A leader removes a voter that it has not heard for so long, as long as those alive can go on. Never, unless given. */
  readonly removeDeadAfterMs?: number;
  /** Made on the first start, but not its parents. It holds this member's promises: one that is lost is a member lost. */
  readonly dataDirectory: string;
  readonly stateMachine: StateMachine<Result>;
  /** Where to listen, if that is not the address in `nodes` (a container, a wildcard). */
  readonly bind?: string;
  /** Shared by all members and proven in each handshake. Off loopback either this or `tls` is demanded. */
  readonly secret?: string;
  /** Mutual TLS between the members. A function is asked for each new connection, so that keys can be renewed. */
  readonly tls?: TlsIdentity | TlsSource;
  /** Lets anybody who reaches the port take part in the cluster. */
  readonly insecure?: boolean;
  /** How the members talk, the same on every one: gRPC unless given, or the same frames on plain TCP or TLS (docs/adr/0032). */
  readonly transport?: 'grpc' | 'tcp';
  /** `timingProfiles.lan` unless given; `auto` follows the measured round trips. The same kind on every member. */
  readonly timings?: Timings | 'auto';
  /** Of the voters that could lead, one of the highest is preferred; a whole number from 0 to 100, 0 unless given. */
  readonly electionPriority?: number;
  readonly limits?: RaftLimits;
  /** When to take snapshots, of a state machine that has them; `defaultSnapshotPolicy` says the rest. */
  readonly snapshots?: Partial<SnapshotPolicy>;
  /** Makes reads by lease possible (docs/consensus.md says what that claims); the same on every member, with fixed timings. */
  readonly lease?: LeaseOptions;
  /** What the others are told of this member, for people and redirects: `peers()` shows both. */
  readonly region?: string;
  readonly apiAddress?: string;
  readonly log?: Log;
}

/**
 * Opens a member with all it stands on: data directory, write-ahead log, connections between the members, the system's clock. What
 * `openConsensus` says of subscribing holds here too. Closing the member gives its data directory free. Fails with
 * SETTINGS_INVALID, DATA_DIR_UNUSABLE, LOG_DAMAGED, SNAPSHOT_DAMAGED or ADDRESS_IN_USE, and leaves nothing open then.
 */
export async function openMember<Result>(options: MemberOptions<Result>): Promise<Consensus<Result>> {
  const { id, stateMachine, timings = timingProfiles.lan, limits = defaultRaftLimits, log = silentLog } = options;
  const place = readPlace(options);
  const directory = await openDataDirectory(options.dataDirectory, { nodeId: id, fallbackNodeId: id });
  const { nodeId, incarnation, walDirectory } = directory;
  const createTransport = options.transport === 'tcp' ? createTcpTransport : createGrpcTransport;
  const region = options.region ?? '';
  const apiAddress = options.apiAddress ?? '';
  const electionPriority = options.electionPriority ?? 0;
  rehearseElections();
  try {
    return await openConsensus<Result>({
      self: { nodeId, incarnation, session: randomUUID(), region, apiAddress, electionPriority },
      listedSize: place.listed.length,
      joins: options.join !== undefined,
      ...(options.removeDeadAfterMs !== undefined && { removeDeadAfterMs: options.removeDeadAfterMs }),
      store: withDirectory(createWalStore({ directory: walDirectory, nodeId, incarnation, log }), directory),
      transport: (self) =>
        createTransport({
          ...{ self, ...place, clock: systemClock, log },
          security: { secret: options.secret ?? null, tls: tlsSourceOf(options.tls) },
        }),
      ...snapshotsOf(options, directory.snapshotDirectory),
      ...{ stateMachine, timings, limits, clock: systemClock, random: Math.random, log },
      lease: options.lease ?? null,
      proposedClusterId: randomUUID(),
    });
  } catch (error) {
    directory.close();
    throw error;
  }
}

/** A state machine with one of the two alone is refused where it is opened. */
function snapshotsOf(
  { stateMachine, snapshots }: Pick<MemberOptions<unknown>, 'stateMachine' | 'snapshots'>,
  directory: string,
): Pick<ConsensusOptions<unknown>, 'snapshots'> {
  if (stateMachine.snapshot === undefined && stateMachine.restore === undefined) {
    if (snapshots === undefined) return {};
    throw invalid('snapshots: the state machine has no snapshot and restore');
  }
  const policy = { ...defaultSnapshotPolicy, ...snapshots };
  return { snapshots: { store: createFileSnapshotStore({ directory }), policy } };
}

interface Place {
  readonly listed: readonly ListedPeer[];
  readonly selfIndex: number | ListedPeer;
  readonly bind: { readonly host: string; readonly port: number };
}

function readPlace(options: Omit<MemberOptions<unknown>, 'stateMachine'>): Place {
  const { id, nodes } = options;
  const listed = parseClusterNodes(nodes, 'nodes');
  const nameless = listed.find((peer) => peer.id === null);
  if (nameless !== undefined) {
    throw invalid(`nodes: ${nameless.host}:${nameless.port} has no id; write id=${nameless.host}:${nameless.port}`);
  }
  const selfIndex = options.join === undefined ? indexOf(id, listed) : readJoin(id, options.join, listed);
  const own = typeof selfIndex === 'number' ? listed[selfIndex]! : selfIndex;
  const bind = options.bind === undefined ? own : parseAddress(options.bind, own.port);
  if (typeof bind === 'string') throw invalid(`bind: ${bind}`);
  refuseStrangers(bind.host, options);
  return { listed, selfIndex, bind: { host: bind.host, port: bind.port } };
}

function indexOf(id: NodeId, listed: readonly ListedPeer[]): number {
  const index = listed.findIndex((peer) => peer.id === id);
  if (index >= 0) return index;
  const names = listed.map((peer) => `"${peer.id ?? ''}"`).join(', ');
  throw invalid(
    `nodes names no "${id}", only ${names}; a node that joins their cluster says where it is reached: join`,
  );
}

function readJoin(id: NodeId, join: string, listed: readonly ListedPeer[]): ListedPeer {
  if (listed.some((peer) => peer.id === id))
    throw invalid(`nodes names "${id}": it founds the cluster, and does not join it`);
  const [own] = parseClusterNodes(`${id}=${join}`, 'join');
  return own!;
}

function tlsSourceOf(tls: TlsIdentity | TlsSource | undefined): TlsSource | null {
  if (tls === undefined) return null;
  return typeof tls === 'function' ? tls : () => tls;
}

/** The program's own rule, in the words of these options. */
function refuseStrangers(bindHost: string, options: Omit<MemberOptions<unknown>, 'stateMachine'>): void {
  // Most often a variable that is not set; to take it for "no secret" would open the port by mistake.
  if (options.secret === '') throw invalid('the secret is empty');
  const hasSecret = options.secret !== undefined;
  const hasMutualTls = options.tls !== undefined;
  if (refuseOpenDoor({ bindHost, hasSecret, hasMutualTls, insecure: options.insecure === true }) === null) return;
  throw invalid(
    `${bindHost} can be reached from other machines: give the members a secret or tls, or say insecure: true to let ` +
      'anybody take part',
  );
}

/** The log is the last thing that uses the directory, and the host closes it whichever way it ends. */
function withDirectory(store: LogStore, directory: DataDirectory): LogStore {
  return {
    open: () => store.open(),
    append: (batch) => store.append(batch),
    close: async () => {
      await store.close();
      directory.close();
    },
  };
}

function invalid(message: string): TuttiError {
  return new TuttiError('SETTINGS_INVALID', message);
}
