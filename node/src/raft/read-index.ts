import { holdsLease } from './lease.ts';
import { reachedBy } from './quorum.ts';
import { sendHeartbeats } from './replication.ts';
import type { Leadership, RaftState } from './state.ts';
import { electorate } from './state.ts';

/**
 * Reads without a log entry (Raft thesis 6.4): what was committed when the read arrived is safe to read once a quorum has answered
 * a round of heartbeats that began after it, for then nobody else led meanwhile. Reads that arrive while a round is under way
 * share the next one, so their number does not multiply heartbeats.
 *
 * `readId` is the host's, used once: an answer to an earlier read must not confirm a later one (raft.md D2; etcd-io/etcd#20418).
 */
export function read(state: RaftState, readId: number, byLease: boolean): void {
  const { leadership } = state;
  if (leadership === null) return state.effects.answerRead({ readId, accepted: false, leaderId: state.leaderId });
  if (byLease && holdsLease(state, leadership)) {
    return state.effects.answerRead({ readId, accepted: true, index: state.commitIndex });
  }
  leadership.reads.waiting.push(readId);
}

/** At the end of each step of a leader: looks whether the round under way is answered, and begins the next one. */
export function confirmReads(state: RaftState, leadership: Leadership): void {
  const { reads } = leadership;
  if (reads.underWay !== null && reads.underWay.round <= answeredRound(state, leadership)) {
    const { ids, index } = reads.underWay;
    for (const readId of ids) state.effects.answerRead({ readId, accepted: true, index });
    reads.underWay = null;
  }
  // Before its first commit a leader does not know what is committed (raft.md D1).
  if (reads.underWay !== null || reads.waiting.length === 0 || state.commitIndex < leadership.firstIndex) return;
  sendHeartbeats(state, leadership);
  reads.underWay = { round: leadership.round, index: state.commitIndex, ids: reads.waiting };
  reads.waiting = [];
  // Alone it is a quorum of its own, and nobody will answer.
  if (answeredRound(state, leadership) === Infinity) confirmReads(state, leadership);
}

/** The latest round that a quorum has answered; both quorums of a joint membership (raft.md D6). */
function answeredRound(state: RaftState, leadership: Leadership): number {
  const { self } = state.options;
  const round = reachedBy(electorate(state), (id) =>
    id === self.id ? Infinity : leadership.progress.get(id)?.answeredRound,
  );
  return round ?? 0;
}

/** Whoever leads now has to be asked. */
export function refuseReads(state: RaftState, leadership: Leadership): void {
  const { waiting, underWay } = leadership.reads;
  for (const readId of [...(underWay?.ids ?? []), ...waiting]) {
    state.effects.answerRead({ readId, accepted: false, leaderId: state.leaderId });
  }
}
