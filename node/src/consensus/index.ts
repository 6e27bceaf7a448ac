/**
 * `tutti/consensus`: a replicated state machine for any Node program. Give `openMember` a state machine, a data directory and
 * the list of the members; propose commands on the leader, and every member applies them in the same order. `openConsensus`
 * is the same over a log store and a transport of one's own. docs/consensus.md says how and what is guaranteed.
 */
export type { Consensus, ConsensusStatus, ReadOptions, RequestHandler, StateMachine } from './consensus.ts';
export type { ConsensusEvent, Health } from './events.ts';
export { eventNames } from './event-names.ts';
export type { EventName } from './event-names.ts';
export type { EventFilter, ObservedEvent } from './observers.ts';
export type { ConsensusStats, Durations } from './stats.ts';
export { openConsensus } from './open.ts';
export { openMember } from './open-member.ts';
export type { MemberOptions } from './open-member.ts';
export { createService } from './service.ts';
export type { ClusterInfo, ClusterNode, ConsensusService } from './service.ts';
export { Sessions } from './sessions/sessions.ts';
export type { SessionOptions } from './sessions/sessions.ts';
export type { Session } from './sessions/session.ts';
export { defaultSessionLimits } from './sessions/table.ts';
export type { ResultForm } from './sessions/table-form.ts';
export type { SessionLimits, SessionOutcome, SessionReply } from './sessions/table.ts';
export { defaultRaftLimits } from './options.ts';
export { defaultSnapshotPolicy } from './snapshots/policy.ts';
export type { SnapshotPolicy } from './snapshots/policy.ts';
export type { ConsensusOptions, SelfDescription } from './options.ts';
export type { MemberChange } from '../raft/change.ts';
export type { LeaseOptions, RaftEvent, RaftLimits } from '../raft/core.ts';
export { customTimings } from '../raft/timings.ts';
export { timingProfiles } from '../raft/types.ts';
export type { Entry, Incarnation, Member, Membership, NodeId, Role, Timings } from '../raft/types.ts';
export type { LogStore, RecoveredLog } from '../storage/log-store.ts';
export { openDataDirectory } from '../storage/data-dir.ts';
export type { DataDirectory } from '../storage/data-dir.ts';
export type { LoadedSnapshot, SnapshotDraft, SnapshotStore, StoredSnapshot } from '../storage/snapshot-store.ts';
export { createFileSnapshotStore } from '../storage/snapshot/file-snapshot-store.ts';
export { createWalStore } from '../storage/wal/wal-store.ts';
export type { WalOptions } from '../storage/wal/wal-store.ts';
export type {
  ClockOffset,
  ListedPeer,
  PeerFrame,
  PeerIdentity,
  PeerProblem,
  PeerStatus,
  Transport,
  TransportHandlers,
} from '../transport/transport.ts';
export { createGrpcTransport } from '../transport/grpc/grpc-transport.ts';
export { createTcpTransport } from '../transport/tcp/tcp-transport.ts';
export type { PeerTransportOptions, TlsIdentity, TlsSource } from '../transport/peer/options.ts';
export { systemClock } from '../lib/clock.ts';
export type { Clock } from '../lib/clock.ts';
export { TuttiError } from '../lib/errors.ts';
export type { ErrorCode } from '../lib/errors.ts';
export { silentLog } from '../lib/log.ts';
export type { Log } from '../lib/log.ts';
