import type { Log } from '../lib/log.ts';
import type { RaftEvent } from '../raft/core.ts';
import type { Membership, NodeId, Role } from '../raft/types.ts';
import type { ConsensusEvent } from './events.ts';

/**
 * One log line for each thing that happens to the cluster, with what an operator asks first: who, which term, by how many votes, why,
 * and who led before.
 */
export class Narrator {
  readonly #log: Log;
  readonly #self: NodeId;
  #lastLeader: NodeId | null = null;

  constructor(log: Log, self: NodeId) {
    this.#log = log;
    this.#self = self;
  }

  tell(event: ConsensusEvent & { readonly kind: 'raft' | 'quorum' | 'health' }): void {
    if (event.kind === 'raft') return this.#tellRaft(event.event);
    if (event.kind === 'health') {
      const { health, reason } = event;
      return this.#log.debug({ health, reason }, `${health}: ${reason}`);
    }
    const { has, reached, needed } = event;
    const sentence = `reaches ${reached.length} members, itself included; ${needed} are a majority`;
    if (has) this.#log.info({ reached, needed }, sentence);
    else this.#log.warn({ reached, needed }, sentence);
  }

  #tellRaft(event: RaftEvent): void {
    const log = this.#log;
    switch (event.kind) {
      case 'roleChanged':
        return this.#tellRole(event.role, event.term, event.reason);
      case 'leaderChanged':
        return this.#tellLeader(event.leaderId, event.term);
      case 'electionWon': {
        const { term, votes, needed } = event;
        const fields = { leader: this.#self, term, votes, needed, lastLeader: this.#lastLeader };
        return log.info(fields, `elected: leads term ${term} with ${votes} votes, ${needed} needed`);
      }
      case 'voteCast': {
        const { candidate, term, granted, reason } = event;
        const fields = { candidate, term, granted, reason, lastLeader: this.#lastLeader };
        return log.info(fields, `${granted ? 'voted for' : 'refused a vote to'} ${candidate}: ${reason}`);
      }
      case 'membershipChanged':
        return narrateMembership(log, event.membership, event.index);
      case 'transferStarted': {
        const { to, term, reason } = event;
        return log.info({ to, term, reason }, `hands the leadership over to ${to}: ${reason}`);
      }
      case 'transferFailed': {
        const { to, term, reason } = event;
        return log.warn({ to, term, reason }, `did not hand the leadership over: ${reason}`);
      }
      case 'heartbeatFailed':
      case 'heartbeatResumed':
        return this.#tellSilence(event);
      case 'deadRemoved': {
        const { id, silentMs, term } = event;
        return log.warn(
          { id, silentMs, term },
          `removes ${id}: it was not heard for ${Math.round(silentMs / 1_000)} s`,
        );
      }
      case 'removed':
        return log.error({ index: event.index, term: event.term }, 'this node was removed from the cluster');
      case 'compacted':
      case 'snapshotNeeded':
      case 'snapshotInstalled':
        return narrateSnapshot(log, event);
      case 'truncated': {
        const { fromIndex, term } = event;
        const sentence = `entries from index ${fromIndex} on, never committed, gave way to those of the leader`;
        return log.warn({ fromIndex, term }, sentence);
      }
      // Told by RefusalLog, as it happens again and again.
      case 'peerRefused':
        return;
    }
  }

  #tellRole(role: Role, term: number, reason: string): void {
    // The election that was won has said it.
    if (role === 'leader') return;
    this.#log.info({ role, term, reason, lastLeader: this.#lastLeader }, `now ${role}: ${reason}`);
  }

  #tellLeader(leaderId: NodeId | null, term: number): void {
    const lastLeader = this.#lastLeader;
    this.#lastLeader = leaderId ?? lastLeader;
    if (leaderId === this.#self) return;
    const fields = { leader: leaderId, term, lastLeader };
    if (leaderId === null) this.#log.info(fields, 'no leader is known');
    else this.#log.info(fields, `${leaderId} leads term ${term}`);
  }

  #tellSilence({ kind, id, term, silentMs }: RaftEvent & { kind: 'heartbeatFailed' | 'heartbeatResumed' }): void {
    const fields = { peer: id, term, silentMs: Math.round(silentMs) };
    if (kind === 'heartbeatFailed') this.#log.warn(fields, `${id} has not answered for ${fields.silentMs} ms`);
    else this.#log.info(fields, `${id} answers again, after ${fields.silentMs} ms`);
  }
}

function narrateMembership(
  log: Log,
  { clusterId, voters, unmet, learners, outgoing }: Membership,
  index: number,
): void {
  const names = voters.map(({ id }) => id);
  const before = outgoing?.voters.map(({ id }) => id);
  const parts = [
    `members: ${names.join(', ')}`,
    ...(unmet === 0 ? [] : [`${unmet} not met yet`]),
    ...(learners.length === 0 ? [] : [`learning: ${learners.join(', ')}`]),
    ...(before === undefined ? [] : [`until that is certain also by the voters before: ${before.join(', ')}`]),
  ];
  const more = { ...(learners.length > 0 && { learners }), ...(before !== undefined && { outgoing: before }) };
  log.info({ clusterId, voters: names, unmet, ...more, index }, parts.join(', '));
}

function narrateSnapshot(
  log: Log,
  event: RaftEvent & { readonly kind: 'compacted' | 'snapshotNeeded' | 'snapshotInstalled' },
): void {
  switch (event.kind) {
    case 'compacted': {
      const { baseIndex, snapshotIndex } = event;
      const sentence = `the log begins behind entry ${baseIndex}: the snapshot at entry ${snapshotIndex} is durable`;
      return log.info({ baseIndex, snapshotIndex }, sentence);
    }
    case 'snapshotNeeded': {
      const { to, term, snapshotIndex } = event;
      const sentence = `${to} lacks what is gone from the log: sends it the snapshot at entry ${snapshotIndex}`;
      return log.info({ to, term, snapshotIndex }, sentence);
    }
    case 'snapshotInstalled': {
      const { index, term, isStale } = event;
      if (isStale) return log.debug({ index, term }, `the snapshot at entry ${index} brought nothing new`);
      return log.info({ index, term }, `goes on from the snapshot at entry ${index}`);
    }
  }
}
