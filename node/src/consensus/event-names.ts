import type { RaftEvent } from '../raft/core.ts';
import { memberIds } from '../raft/membership.ts';
import type { Membership, NodeId, Role } from '../raft/types.ts';
import type { ConsensusEvent } from './events.ts';

/**
 * The names under which other consensus services announce what happens; for those who watch several systems.
 */
export const eventNames = [
  ...(['node.started', 'node.stopped', 'node.joined', 'node.left', 'node.failed', 'node.recovered'] as const),
  ...(['leader.elected', 'leader.stepdown', 'leader.transfer', 'leader.lost'] as const),
  ...(['role.changed', 'role.follower', 'role.candidate', 'role.leader'] as const),
  ...(['cluster.formed', 'cluster.updated', 'membership.changed', 'quorum.achieved', 'quorum.lost'] as const),
  ...(['log.appended', 'log.committed', 'log.compacted', 'log.truncated', 'config.updated'] as const),
  ...(['snapshot.started', 'snapshot.completed', 'snapshot.failed', 'snapshot.restored'] as const),
  ...(['health.healthy', 'health.degraded', 'health.recovering', 'health.unhealthy'] as const),
] as const;

export type EventName = (typeof eventNames)[number];

const roleNames = {
  follower: 'role.follower',
  preCandidate: 'role.candidate',
  candidate: 'role.candidate',
  leader: 'role.leader',
} as const satisfies Record<Role, EventName>;

/** Names events, in order: what some are called depends on what came before. */
export class EventNamer {
  readonly #self: NodeId;
  #role: Role = 'follower';
  #membership: Membership | null;

  /** `membership`: what the log has at the start. */
  constructor(self: NodeId, membership: Membership | null) {
    this.#self = self;
    this.#membership = membership;
  }

  namesOf(event: ConsensusEvent): readonly EventName[] {
    switch (event.kind) {
      case 'started':
      case 'stopped':
        return [`node.${event.kind}`];
      case 'appended':
      case 'committed':
        return [`log.${event.kind}`];
      case 'quorum':
        return [event.has ? 'quorum.achieved' : 'quorum.lost'];
      case 'health':
        return [`health.${event.health}`];
      case 'snapshot':
        return [`snapshot.${event.stage}`];
      case 'timingsChanged':
        return ['config.updated'];
      case 'raft':
        return this.#ofRaft(event.event);
      case 'applied':
      case 'leadershipGained':
      case 'leadershipLost':
      case 'peerUp':
      case 'peerDown':
      case 'problem':
      case 'fatal':
        return [];
    }
  }

  #ofRaft(event: RaftEvent): readonly EventName[] {
    switch (event.kind) {
      case 'roleChanged':
        return this.#ofRole(event.role);
      case 'electionWon':
        return ['leader.elected'];
      case 'leaderChanged':
        if (event.leaderId === null) return ['leader.lost'];
        // The election that this member won has said it.
        return event.leaderId === this.#self ? [] : ['leader.elected'];
      case 'membershipChanged':
        return this.#ofMembership(event.membership);
      case 'transferStarted':
        return ['leader.transfer'];
      case 'heartbeatFailed':
        return ['node.failed'];
      case 'heartbeatResumed':
        return ['node.recovered'];
      case 'truncated':
        return ['log.truncated'];
      case 'compacted':
        return ['log.compacted'];
      case 'snapshotInstalled':
        return event.isStale ? [] : ['snapshot.restored'];
      // What becomes of these is told by what follows: a change of the membership, a `fatal`, the end of the transfer.
      case 'deadRemoved':
      case 'removed':
      case 'snapshotNeeded':
      case 'voteCast':
      case 'transferFailed':
      case 'peerRefused':
        return [];
    }
  }

  #ofRole(role: Role): readonly EventName[] {
    const before = this.#role;
    this.#role = role;
    const names: EventName[] = ['role.changed', roleNames[role]];
    return before === 'leader' ? [...names, 'leader.stepdown'] : names;
  }

  #ofMembership(membership: Membership): readonly EventName[] {
    const before = this.#membership;
    this.#membership = membership;
    if (before === null) return ['membership.changed', 'cluster.formed'];
    const names: EventName[] = ['membership.changed', 'cluster.updated'];
    const [idsBefore, ids] = [memberIds(before), memberIds(membership)];
    if (ids.some((id) => !idsBefore.includes(id))) names.push('node.joined');
    if (idsBefore.some((id) => !ids.includes(id))) names.push('node.left');
    return names;
  }
}
