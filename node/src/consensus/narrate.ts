import type { Log } from '../lib/log.ts';
import type { RaftEvent } from '../raft/core.ts';
import type { Membership, NodeId } from '../raft/types.ts';

/** One log line for each thing that happens to the cluster, with what an operator asks first: who, which term, why. */
export function narrate(log: Log, self: NodeId, event: RaftEvent): void {
  switch (event.kind) {
    case 'roleChanged':
      // The election that was won has said it.
      if (event.role === 'leader') return;
      return log.info(
        { role: event.role, term: event.term, reason: event.reason },
        `now ${event.role}: ${event.reason}`,
      );
    case 'leaderChanged':
      if (event.leaderId === self) return;
      return event.leaderId === null
        ? log.info({ leader: null, term: event.term }, 'no leader is known')
        : log.info({ leader: event.leaderId, term: event.term }, `${event.leaderId} leads term ${event.term}`);
    case 'electionWon':
      return log.info(
        { leader: self, term: event.term, votes: event.votes, needed: event.needed },
        `elected: leads term ${event.term} with ${event.votes} votes, ${event.needed} needed`,
      );
    case 'voteCast':
      return log.info(
        { candidate: event.candidate, term: event.term, granted: event.granted, reason: event.reason },
        `${event.granted ? 'voted for' : 'refused a vote to'} ${event.candidate}: ${event.reason}`,
      );
    case 'membershipChanged':
      return narrateMembership(log, event.membership, event.index);
    case 'deadRemoved': {
      const { id, silentMs, term } = event;
      return log.warn({ id, silentMs, term }, `removes ${id}: it was not heard for ${Math.round(silentMs / 1_000)} s`);
    }
    case 'removed':
      return log.error({ index: event.index, term: event.term }, 'this node was removed from the cluster');
    case 'transferStarted':
      return log.info({ to: event.to, term: event.term }, `hands the leadership over to ${event.to}`);
    case 'transferFailed':
      return log.warn(
        { to: event.to, term: event.term, reason: event.reason },
        `did not hand the leadership over: ${event.reason}`,
      );
    case 'compacted':
      return log.info(
        { baseIndex: event.baseIndex, snapshotIndex: event.snapshotIndex },
        `the log begins behind entry ${event.baseIndex}: the snapshot at entry ${event.snapshotIndex} is durable`,
      );
    case 'snapshotNeeded':
      return log.info(
        { to: event.to, term: event.term, snapshotIndex: event.snapshotIndex },
        `${event.to} lacks what is gone from the log: sends it the snapshot at entry ${event.snapshotIndex}`,
      );
    case 'snapshotInstalled':
      return event.isStale
        ? log.debug(
            { index: event.index, term: event.term },
            `the snapshot at entry ${event.index} brought nothing new`,
          )
        : log.info({ index: event.index, term: event.term }, `goes on from the snapshot at entry ${event.index}`);
    case 'truncated':
      return log.warn(
        { fromIndex: event.fromIndex, term: event.term },
        `entries from index ${event.fromIndex} on, never committed, gave way to those of the leader`,
      );
    // Told by RefusalLog, as it happens again and again.
    case 'peerRefused':
      return;
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
