import type { Log } from '../lib/log.ts';
import type { RaftEvent } from '../raft/core.ts';
import type { NodeId } from '../raft/types.ts';

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
    case 'membershipChanged': {
      const { clusterId, voters, unmet } = event.membership;
      const names = voters.map(({ id }) => id);
      return log.info(
        { clusterId, voters: names, unmet, index: event.index },
        `members: ${names.join(', ')}${unmet === 0 ? '' : `, ${unmet} not met yet`}`,
      );
    }
    case 'transferStarted':
      return log.info(
        { to: event.to, term: event.term, reason: event.reason },
        `hands the leadership over to ${event.to}: ${event.reason}`,
      );
    case 'transferFailed':
      return log.warn(
        { to: event.to, term: event.term, reason: event.reason },
        `did not hand the leadership over: ${event.reason}`,
      );
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
