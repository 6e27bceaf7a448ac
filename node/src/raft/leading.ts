import { invariant } from '../lib/invariant.ts';
import type { ProposalOutcome } from './core.ts';
import { ENTRY_OVERHEAD_BYTES, entryBytes } from './log.ts';
import { encodeMembership, foundedBy, memberIds } from './membership.ts';
import { Progress } from './progress.ts';
import { neededVotes, reachedBy } from './quorum.ts';
import { replicate, sendHeartbeats, tellCommit } from './replication.ts';
import { becomeFollower, setLeader, setRole } from './roles.ts';
import type { Leadership, RaftState } from './state.ts';
import { preferOther } from './priority.ts';
import { noteSilence } from './silence.ts';
import { failTransfer } from './transfer.ts';
import { append, diskDeadlineMs, electorate, metMembers } from './state.ts';
import type { Entry, EntryKind, Membership, NodeId } from './types.ts';

/**
 * Takes the lead of the term just won. The first entry of the term is the leader's own: until it is committed nothing older
 * is known to be (raft.md R1). In an empty log it is the membership that founds the cluster.
 */
export function becomeLeader(state: RaftState, votes: number): void {
  const { options, log } = state;
  state.election = null;
  state.effects.emit({ kind: 'electionWon', term: state.term, votes, needed: neededVotes(electorate(state)) });
  setRole(state, 'leader', `elected by ${votes} votes`);
  setLeader(state, options.self.id);
  const leadership: Leadership = {
    sinceMs: state.nowMs,
    progress: new Map(),
    firstIndex: log.lastIndex + 1,
    // Entries of former terms weigh until they are committed too: they hold the same memory.
    uncommittedBytes: sumBytes(log.between(state.commitIndex, log.lastIndex)),
    heartbeatDeadlineMs: state.nowMs + options.timings.heartbeatMs,
    commitNewsDueMs: Infinity,
    round: 0,
    leaseRounds: [],
    isLeaseOver: false,
    reads: { waiting: [], underWay: null },
    transfer: null,
    isLeaving: false,
  };
  state.leadership = leadership;
  if (state.memberships.current === null) appendMembership(state, leadership, foundingMembership(state));
  else appendOwn(state, leadership, 'noop', [new Uint8Array(0)]);
  followPeers(state, leadership, leadership.firstIndex);
  replicate(state, leadership);
}

/** The members met so far are bound to their disks. */
function foundingMembership(state: RaftState): Membership {
  const met = metMembers(state);
  invariant(met.unmet >= 0, 'more members were met than are listed');
  return foundedBy({ clusterId: state.options.proposedClusterId, ...met });
}

/**
 * Progress for every member, for a listed peer that is yet to be bound, since it receives the log before it counts, and for a
 * connected one that was removed: the log tells it so. Who was removed and is not connected is forgotten.
 */
function followPeers(state: RaftState, leadership: Leadership, nextIndex: number): void {
  const membership = state.memberships.current;
  invariant(membership !== null, 'a leader has a membership');
  const { progress } = leadership;
  const ids = new Set(memberIds(membership));
  for (const [id, { clusterId, up }] of state.met) {
    const isFormer = up && !state.shunned.has(id) && (progress.has(id) || clusterId === membership.clusterId);
    if (membership.unmet > 0 || isFormer) ids.add(id);
  }
  for (const id of progress.keys()) if (!ids.has(id)) progress.delete(id);
  for (const id of ids) {
    if (id === state.options.self.id || progress.has(id)) continue;
    // A new term gives every peer the benefit of one timeout before its silence counts against the leader.
    progress.set(id, new Progress(id, nextIndex, state.nowMs));
  }
}

/** A peer's connection opened: whatever was under way to it may be lost. */
export function leadPeer(state: RaftState, leadership: Leadership, id: NodeId): void {
  followPeers(state, leadership, state.log.lastIndex + 1);
  leadership.progress.get(id)?.restart(state.log.base.index);
  replicate(state, leadership);
}

/** Another membership counts from here on: its members receive the log. */
export function adopt(state: RaftState, leadership: Leadership, membership: Membership): void {
  appendMembership(state, leadership, membership);
  followPeers(state, leadership, state.log.lastIndex);
  replicate(state, leadership);
}

export function propose(state: RaftState, data: readonly Uint8Array[]): void {
  const { effects, options, leadership, log } = state;
  const refuse = (reason: (ProposalOutcome & { readonly accepted: false })['reason']): void =>
    effects.answer({ accepted: false, reason, leaderId: state.leaderId });
  if (leadership === null) return refuse('notLeader');
  // So no command is ever in a log whose founding entry was not committed, which is what lets a restarted node say which cluster
  // it belongs to (ADR 0040); and nobody is told of a place in the log that the next leader would take away at once.
  if (state.commitIndex < leadership.firstIndex) return refuse('notReady');
  if (leadership.transfer !== null) return refuse('transferring');
  const { maxProposalBytes, maxUncommittedBytes } = options.limits;
  if (data.some(({ byteLength }) => byteLength > maxProposalBytes)) return refuse('tooLarge');
  const bytes = data.reduce((sum, { byteLength }) => sum + byteLength + ENTRY_OVERHEAD_BYTES, 0);
  // A proposal larger than the whole bound passes when nothing else waits, else it could never pass (raft.md R16).
  const isAlone = leadership.uncommittedBytes === 0;
  if (!isAlone && leadership.uncommittedBytes + bytes > maxUncommittedBytes) return refuse('busy');
  effects.answer({ accepted: true, term: state.term, firstIndex: log.lastIndex + 1 });
  appendOwn(state, leadership, 'command', data);
  replicate(state, leadership);
}

function appendMembership(state: RaftState, leadership: Leadership, membership: Membership): void {
  appendOwn(state, leadership, 'membership', [encodeMembership(membership)]);
}

function appendOwn(state: RaftState, leadership: Leadership, kind: EntryKind, data: readonly Uint8Array[]): void {
  const firstIndex = state.log.lastIndex + 1;
  const entries = data.map((bytes, at) => ({ index: firstIndex + at, term: state.term, kind, data: bytes }));
  append(state, entries);
  leadership.uncommittedBytes += sumBytes(entries);
}

function sumBytes(entries: readonly Entry[]): number {
  return entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0);
}

/**
 * When this leader must have heard from a quorum again (check-quorum): the longest election timeout after the instant
 * since which a quorum was heard. Infinity where the leader is a quorum of its own.
 */
export function quorumDeadlineMs(state: RaftState, leadership: Leadership): number {
  const { self } = state.options;
  const sinceMs = reachedBy(electorate(state), (id) =>
    id === self.id ? Infinity : (leadership.progress.get(id)?.lastHeardMs ?? undefined),
  );
  invariant(sinceMs !== null, 'a leader knows a quorum of voters');
  return sinceMs + state.options.timings.electionTimeoutMaxMs;
}

/**
 * Steps down once a quorum was silent for too long, also after a stall of this process, since others may lead by now (raft.md
 * L9, H5); and once its own disk was.
 */
export function mayStillLead(state: RaftState, leadership: Leadership): boolean {
  const isHeard = state.nowMs < quorumDeadlineMs(state, leadership);
  if (isHeard && state.nowMs < diskDeadlineMs(state)) return true;
  const silent = isHeard ? 'its own disk has not answered' : 'no quorum was heard';
  becomeFollower(state, state.term, null, `${silent} for the longest election timeout`);
  return false;
}

/** A leader that nobody takes over from lets the others try first, for two longest election timeouts. */
export function resign(state: RaftState): void {
  if (state.leadership === null) return;
  becomeFollower(state, state.term, null, 'it was asked to step down');
  state.electionDeadlineMs = state.nowMs + 2 * state.options.timings.electionTimeoutMaxMs;
}

export function tickLeader(state: RaftState, leadership: Leadership): void {
  if (!mayStillLead(state, leadership)) return;
  if (leadership.transfer !== null && state.nowMs >= leadership.transfer.deadlineMs) {
    failTransfer(state, leadership, `${leadership.transfer.to} did not take over within an election timeout`);
  }
  tellCommit(state, leadership);
  if (state.nowMs < leadership.heartbeatDeadlineMs) return;
  sendHeartbeats(state, leadership);
  noteSilence(state, leadership);
  preferOther(state, leadership);
}
