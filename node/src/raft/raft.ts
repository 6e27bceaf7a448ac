import { invariant } from '../lib/invariant.ts';
import { changeMembers, noticeRemoval, proceed } from './changing.ts';
import { isHeard, judgeAgain, peerDown, peerUp } from './admission.ts';
import type { Effects, RaftCore, RaftInput, RaftOptions, RaftStatus } from './core.ts';
import { EffectsBuilder } from './effects.ts';
import { countOwnVote, handleTimeoutNow, handleVoteRequest, handleVoteResponse, tickFollower } from './election.ts';
import { peerEnded } from './fast-election.ts';
import { handleAppendRequest, handleHeartbeat } from './following.ts';
import { mayStillLead, propose, quorumDeadlineMs, resign, tickLeader } from './leading.ts';
import { keepSilence } from './lease.ts';
import { names } from './membership.ts';
import { MembershipHistory } from './membership-history.ts';
import type { Message } from './messages.ts';
import { noteDown, noteUp } from './priority.ts';
import { advanceCommit, handleAppendResponse, handleHeartbeatResponse } from './replication.ts';
import { armElectionTimer, becomeFollower } from './roles.ts';
import { confirmReads, read, refuseReads } from './read-index.ts';
import { installSnapshot, joinLog, saveSnapshot, snapshotAt, snapshotEnded, writeNewBase } from './snapshots.ts';
import type { SnapshotMetadata } from './types.ts';
import type { RaftState } from './state.ts';
import { adoptTimings } from './timings.ts';
import { startTransfer } from './transfer.ts';
import { diskDeadlineMs, isMembershipCommitted, send } from './state.ts';

/**
 * The consensus core: events in, effects out (core.ts). Pre-vote, check-quorum and leader stickiness cannot be switched off.
 *
 * Where things are: election.ts votes and campaigns; leading.ts what a leader does on its own; replication.ts appends,
 * acknowledgements, commit; following.ts appends and heartbeats received; admission.ts who is heard and met; roles.ts the
 * changes of role; state.ts the state; changing.ts how members change, change.ts into what. Beside these, fast-election.ts,
 * transfer.ts, priority.ts, timings.ts, read-index.ts, lease.ts and snapshots.ts each hold what their name says; quorum.ts alone
 * counts.
 */
export function createRaft(options: RaftOptions): RaftCore {
  return new Raft(options);
}

class Raft implements RaftCore {
  readonly #state: RaftState;
  #started = false;

  constructor(options: RaftOptions) {
    const { hardState, snapshot } = options;
    const { log, isDiscarded } = joinLog(options);
    const memberships = MembershipHistory.recovered(snapshot, isDiscarded ? [] : options.entries);
    invariant(
      log.lastIndex === 0 || memberships.current !== null,
      'the first entry of a log is the membership that founded the cluster',
    );
    this.#state = {
      options,
      effects: new EffectsBuilder(),
      ...{ log, memberships, snapshot },
      met: new Map(),
      shunned: new Set(),
      refused: new Map(),
      standings: new Map(),
      nowMs: 0,
      term: hardState.term,
      votedFor: hardState.votedFor,
      role: 'follower',
      leaderId: null,
      leaderContactMs: null,
      electionDeadlineMs: 0,
      stallForgiven: false,
      leasePromise: null,
      silentUntilMs: 0,
      election: null,
      fastElection: null,
      leadership: null,
      commitIndex: snapshot?.index ?? 0,
      leaderCommitIndex: 0,
      foundedElsewhere: options.hardState.foundedElsewhere,
      wasMember: memberships.some((membership) => names(membership, options.self)),
      isRemoved: false,
    };
    // A crash came between the snapshot and the new beginning of the log: the first step writes that (raft.md S8).
    if (isDiscarded) writeNewBase(this.#state, options);
  }

  step(input: RaftInput, nowMs: number): Effects {
    const state = this.#state;
    invariant(!this.#started || nowMs >= state.nowMs, `time went back from ${state.nowMs} to ${nowMs} ms`);
    state.nowMs = nowMs;
    if (!this.#started) {
      this.#started = true;
      keepSilence(state);
      armElectionTimer(state);
    }
    const wasCertain = isMembershipCommitted(state);
    const { leadership } = state;
    handle(state, input);
    if (state.leadership !== null) proceed(state, state.leadership);
    if (state.leadership !== null) confirmReads(state, state.leadership);
    if (leadership !== null && leadership !== state.leadership) refuseReads(state, leadership);
    if (!wasCertain && isMembershipCommitted(state)) judgeAgain(state);
    noticeRemoval(state);
    const effects = state.effects.finish();
    if (effects.persist !== null) state.log.writing(effects.persist.ticket, nowMs);
    return effects;
  }

  /** Before the first step it is 0: that step starts the timers. */
  deadlineMs(): number {
    const { leadership, electionDeadlineMs, fastElection } = this.#state;
    if (leadership === null) return Math.min(electionDeadlineMs, fastElection?.dueMs ?? Infinity);
    return Math.min(
      leadership.heartbeatDeadlineMs,
      leadership.commitNewsDueMs,
      leadership.transfer?.deadlineMs ?? Infinity,
      quorumDeadlineMs(this.#state, leadership),
      diskDeadlineMs(this.#state),
    );
  }

  status(): RaftStatus {
    const { options, role, term, votedFor, leaderId, log, commitIndex, memberships, snapshot, leadership } =
      this.#state;
    const peers = [...(leadership?.progress.values() ?? [])];
    return {
      id: options.self.id,
      role,
      term,
      votedFor,
      leaderId,
      lastIndex: log.lastIndex,
      commitIndex,
      baseIndex: log.base.index,
      snapshotIndex: snapshot?.index ?? 0,
      membership: memberships.current,
      committedInTerm: leadership !== null && commitIndex >= leadership.firstIndex,
      peers: peers.map(({ id, matchIndex, lastHeardMs }) => ({ id, matchIndex, lastHeardMs })),
    };
  }

  snapshotAt(index: number): SnapshotMetadata {
    return snapshotAt(this.#state, index);
  }
}

function handle(state: RaftState, input: RaftInput): void {
  switch (input.kind) {
    case 'tick':
      if (state.leadership !== null) tickLeader(state, state.leadership);
      else tickFollower(state);
      return;
    case 'message':
      if (isHeard(state, input.message, input.fromIncarnation)) receive(state, input.message);
      return;
    case 'peerUp':
      noteUp(state, input.peer.id, input.priority ?? 0);
      return peerUp(state, input.peer, input.clusterId);
    case 'peerDown':
      noteDown(state, input.id);
      return peerDown(state, input.id);
    case 'peerEnded':
      return peerEnded(state, input.id);
    case 'transfer':
      return startTransfer(state, input.to, 'it was asked to');
    case 'resign':
      return resign(state);
    case 'timings':
      return adoptTimings(state, input.timings);
    case 'read':
      return read(state, input.readId, input.byLease ?? false);
    case 'change':
      if (state.leadership !== null) mayStillLead(state, state.leadership);
      return changeMembers(state, input.changes);
    case 'propose':
      // A leader that slept through its deadline must not accept as if it still led (raft.md L9).
      if (state.leadership !== null) mayStillLead(state, state.leadership);
      return propose(state, input.data);
    case 'snapshotSaved':
      return saveSnapshot(state, input.snapshot);
    case 'snapshotInstalled':
      return installSnapshot(state, input.snapshot);
    case 'snapshotEnded':
      return snapshotEnded(state, input.id);
    case 'persisted':
      state.log.persisted(input.ticket);
      countOwnVote(state, input.ticket);
      if (state.leadership !== null) advanceCommit(state, state.leadership);
      return;
  }
}

function receive(state: RaftState, message: Message): void {
  if (message.to !== state.options.self.id) return;
  // Vote requests judge terms by themselves: one that is refused because a leader lives must not raise the term.
  if (message.kind === 'voteRequest') return handleVoteRequest(state, message);
  if (message.term > state.term) {
    const leads = ['appendRequest', 'heartbeat', 'timeoutNow'].includes(message.kind);
    becomeFollower(state, message.term, leads ? message.from : null, `${message.from} is in term ${message.term}`);
  }
  if (message.kind === 'voteResponse') return handleVoteResponse(state, message);
  if (message.term < state.term) return answerStale(state, message);
  switch (message.kind) {
    case 'appendRequest':
    case 'heartbeat':
      invariant(state.role !== 'leader', `${message.from} leads term ${state.term}, and so does this node`);
      return message.kind === 'heartbeat' ? handleHeartbeat(state, message) : handleAppendRequest(state, message);
    case 'timeoutNow':
      return handleTimeoutNow(state, message);
    case 'appendResponse':
      return handleAppendResponse(state, message);
    case 'heartbeatResponse':
      return handleHeartbeatResponse(state, message);
  }
}

/** A deposed leader learns of the newer term, and with it frees a candidate that is ahead of its cluster (raft.md L4). */
function answerStale(state: RaftState, message: Message): void {
  if (message.kind === 'heartbeat') {
    send(state, message.from, { kind: 'heartbeatResponse', round: message.round, leaseMs: 0 });
  } else if (message.kind === 'appendRequest') {
    const index = message.prevLogIndex;
    send(state, message.from, { kind: 'appendResponse', success: false, index, hintIndex: 0, hintTerm: 0 });
  }
}
