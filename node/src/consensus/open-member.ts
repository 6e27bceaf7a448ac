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
import { createWalStore } from '../storage/wal/wal-store.ts';
import { parseAddress, parseClusterNodes } from '../transport/addresses.ts';
import { refuseOpenDoor } from '../transport/doors.ts';
import { createGrpcTransport } from '../transport/grpc/grpc-transport.ts';
import { createTcpTransport } from '../transport/tcp/tcp-transport.ts';
import type { TlsIdentity } from '../transport/peer/options.ts';
import type { ListedPeer } from '../transport/transport.ts';
import type { Consensus, StateMachine } from './consensus.ts';
import { openConsensus } from './open.ts';
import { defaultRaftLimits } from './options.ts';

export interface MemberOptions<Result> {
  /** Which element of `nodes` this member is. */
  readonly id: NodeId;
  /** Every member, this one included: "a=host:port,b=host:port,...". The same text on each of them. */
  readonly nodes: string;
  /** Made on the first start, but not its parents. It holds this member's promises: one that is lost is a member lost. */
  readonly dataDirectory: string;
  readonly stateMachine: StateMachine<Result>;
  /** Where to listen, if that is not the address in `nodes` (a container, a wildcard). */
  readonly bind?: string;
  /** Shared by all members and proven in each handshake. Off loopback either this or `tls` is demanded. */
  readonly secret?: string;
  /** Mutual TLS between the members. */
  readonly tls?: TlsIdentity;
  /** Lets anybody who reaches the port take part in the cluster. */
  readonly insecure?: boolean;
  /** How the members talk, the same on every one: gRPC unless given, or the same frames on plain TCP or TLS (docs/adr/0032). */
  readonly transport?: 'grpc' | 'tcp';
  /** `timingProfiles.lan` unless given; `auto` follows the measured round trips. The same kind on every member. */
  readonly timings?: Timings | 'auto';
  /** Of the voters that could lead, one of the highest is preferred; a whole number, 0 unless given. */
  readonly electionPriority?: number;
  readonly limits?: RaftLimits;
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
 * SETTINGS_INVALID, DATA_DIR_UNUSABLE, LOG_DAMAGED or ADDRESS_IN_USE, and leaves nothing open then.
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
  try {
    return await openConsensus<Result>({
      self: { nodeId, incarnation, session: randomUUID(), region, apiAddress, electionPriority },
      listedSize: place.listed.length,
      store: withDirectory(createWalStore({ directory: walDirectory, nodeId, incarnation }), directory),
      transport: (self) =>
        createTransport({
          ...{ self, ...place, clock: systemClock, log },
          security: { secret: options.secret ?? null, tls: options.tls ?? null },
        }),
      ...{ stateMachine, timings, limits, clock: systemClock, random: Math.random, log },
      lease: options.lease ?? null,
      proposedClusterId: randomUUID(),
    });
  } catch (error) {
    directory.close();
    throw error;
  }
}

interface Place {
  readonly listed: readonly ListedPeer[];
  readonly selfIndex: number;
  readonly bind: { readonly host: string; readonly port: number };
}

function readPlace(options: Omit<MemberOptions<unknown>, 'stateMachine'>): Place {
  const { id, nodes } = options;
  const listed = parseClusterNodes(nodes, 'nodes');
  const nameless = listed.find((peer) => peer.id === null);
  if (nameless !== undefined) {
    throw invalid(`nodes: ${nameless.host}:${nameless.port} has no id; write id=${nameless.host}:${nameless.port}`);
  }
  const selfIndex = listed.findIndex((peer) => peer.id === id);
  if (selfIndex < 0) {
    throw invalid(`nodes names no "${id}", only ${listed.map((peer) => `"${peer.id ?? ''}"`).join(', ')}`);
  }
  const own = listed[selfIndex]!;
  const bind = options.bind === undefined ? own : parseAddress(options.bind, own.port);
  if (typeof bind === 'string') throw invalid(`bind: ${bind}`);
  refuseStrangers(bind.host, options);
  return { listed, selfIndex, bind: { host: bind.host, port: bind.port } };
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
