import { invariant } from '../lib/invariant.ts';
import { leaseToAskMs, noteRound, notePromise } from './lease.ts';
import { entryBytes } from './log.ts';
import type { AppendResponse, HeartbeatResponse } from './messages.ts';
import type { Progress } from './progress.ts';
import { reachedBy } from './quorum.ts';
import { hearPeer } from './silence.ts';
import { needsSnapshot, startSnapshot } from './snapshots.ts';
import { askIfCaughtUp } from './transfer.ts';
import type { Leadership, RaftState } from './state.ts';
import { commitTo, electorate, send } from './state.ts';
import type { Entry } from './types.ts';

/**
 * How long news of a commit waits for entries to travel with. Followers apply that much later, which nobody waits for, and a client
 * that writes again as soon as it has its answer costs each of them one message and one answer less (ADR 50).
 */
const COMMIT_NEWS_MS = 2;

/** Sends every peer what it lacks, as far as its window allows. */
export function replicate(state: RaftState, leadership: Leadership): void {
  for (const progress of leadership.progress.values()) sendEntries(state, progress);
}

/** Fills one peer's window; with `evenEmpty`, at least one append goes out, to ask where the peer stands. */
export function sendEntries(state: RaftState, progress: Progress, evenEmpty = false): void {
  const { maxAppendBytes, maxInflightBytes } = state.options.limits;
  if (progress.mode === 'snapshot') return;
  if (needsSnapshot(state, progress)) return startSnapshot(state, progress);
  if (progress.mode === 'probe') {
    if (!progress.probing) sendAppend(state, progress, state.log.slice(progress.nextIndex, maxAppendBytes));
    return;
  }
  let sent = false;
  while (progress.nextIndex <= state.log.lastIndex && progress.hasRoom(maxInflightBytes)) {
    sendAppend(state, progress, state.log.slice(progress.nextIndex, maxAppendBytes));
    sent = true;
  }
  if (sent) return;
  if (evenEmpty) sendAppend(state, progress, []);
  else if (lacksCommit(state, progress)) tellSoon(state);
}

function lacksCommit(state: RaftState, progress: Progress): boolean {
  return Math.min(state.commitIndex, progress.nextIndex - 1) > progress.sentCommitIndex;
}

function tellSoon({ leadership, nowMs }: RaftState): void {
  invariant(leadership !== null, 'a leader replicates');
  leadership.commitNewsDueMs = Math.min(leadership.commitNewsDueMs, nowMs + COMMIT_NEWS_MS);
}

/** Those to whom no entries went since the commit moved are told of it in an append without any, when that is due. */
export function tellCommit(state: RaftState, leadership: Leadership): void {
  if (state.nowMs < leadership.commitNewsDueMs) return;
  leadership.commitNewsDueMs = Infinity;
  for (const progress of leadership.progress.values()) {
    if (progress.mode === 'replicate' && lacksCommit(state, progress)) sendEntries(state, progress, true);
  }
}

function sendAppend(state: RaftState, progress: Progress, entries: readonly Entry[]): void {
  const prevLogIndex = progress.nextIndex - 1;
  const prevLogTerm = state.log.termAt(prevLogIndex);
  invariant(prevLogTerm !== null, `the next entry for ${progress.id} lies beyond the log`);
  const { commitIndex } = state;
  send(state, progress.id, { kind: 'appendRequest', prevLogIndex, prevLogTerm, entries, commitIndex });
  const lastIndex = prevLogIndex + entries.length;
  progress.sentCommitIndex = Math.max(progress.sentCommitIndex, Math.min(commitIndex, lastIndex));
  progress.sent(
    lastIndex,
    entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0),
  );
}

/**
 * One round of heartbeats. Each carries a commit index that its receiver is known to hold: a higher one would commit what
 * the receiver has in that place, whatever it is (raft.md R3).
 */
export function sendHeartbeats(state: RaftState, leadership: Leadership): void {
  leadership.round += 1;
  noteRound(state, leadership);
  const leaseMs = leaseToAskMs(state, leadership);
  // From now, not from the missed deadline: a process that slept owes nobody the heartbeats of its sleep (raft.md H5).
  leadership.heartbeatDeadlineMs = state.nowMs + state.options.timings.heartbeatMs;
  for (const { id, matchIndex } of leadership.progress.values()) {
    const commitIndex = Math.min(state.commitIndex, matchIndex);
    send(state, id, { kind: 'heartbeat', commitIndex, round: leadership.round, leaseMs });
  }
}

export function handleHeartbeatResponse(state: RaftState, message: HeartbeatResponse): void {
  const progress = state.leadership?.progress.get(message.from);
  if (progress === undefined) return;
  hearPeer(state, progress);
  progress.answeredRound = Math.max(progress.answeredRound, message.round);
  if (state.leadership !== null) notePromise(state.leadership, message.from, message.round, message.leaseMs);
  // The peer is alive, so a probe or a window without an answer is lost, and asking again finds out (raft.md R12, R13).
  progress.probing = false;
  if (progress.mode === 'probe' || progress.matchIndex < state.log.lastIndex) sendEntries(state, progress, true);
}

export function handleAppendResponse(state: RaftState, message: AppendResponse): void {
  const { leadership } = state;
  const progress = leadership?.progress.get(message.from);
  if (leadership === null || progress === undefined) return;
  hearPeer(state, progress);
  if (!message.success) {
    const hint = { index: message.hintIndex, term: message.hintTerm };
    const agreeIndex = state.log.lastNotAbove(hint).index;
    if (progress.refuse(message.index, agreeIndex, state.log.base.index)) sendEntries(state, progress);
    return;
  }
  invariant(message.index <= state.log.lastIndex, `${message.from} acknowledges what this leader does not have`);
  progress.acknowledge(message.index, state.log.base.index);
  if (!advanceCommit(state, leadership)) sendEntries(state, progress);
  askIfCaughtUp(state, leadership);
}

/**
 * Commits what a quorum holds durably, this node being one of them by its own disk's word (raft.md R10), and only by an
 * entry of this term: an older one is safe only beneath it (Raft paper 5.4.2, figure 8). True: it moved.
 */
export function advanceCommit(state: RaftState, leadership: Leadership): boolean {
  const { self } = state.options;
  const index = reachedBy(electorate(state), (id) =>
    id === self.id ? state.log.durableIndex : leadership.progress.get(id)?.matchIndex,
  );
  if (index === null || index <= state.commitIndex || index < leadership.firstIndex) return false;
  const committed = state.log.between(state.commitIndex, index);
  for (const entry of committed) leadership.uncommittedBytes -= entryBytes(entry);
  commitTo(state, index);
  // Who is removed is not followed any more behind this step, and must hear of it (raft.md M5).
  const mayWait = !committed.some(({ kind }) => kind === 'membership');
  leadership.commitNewsDueMs = mayWait ? Infinity : state.nowMs;
  replicate(state, leadership);
  tellCommit(state, leadership);
  return true;
}
