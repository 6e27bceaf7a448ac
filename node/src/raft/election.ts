import { isAdmittedAgain } from './admission.ts';
import { leaseObjection, promisedUntilMs } from './lease.ts';
import type { TimeoutNow, VoteRequest, VoteResponse } from './messages.ts';
import { becomeLeader } from './leading.ts';
import { postponeAttempt, takeAttempt, yieldsTo } from './fast-election.ts';
import { armElectionTimer, becomeFollower, hearsLeader, setLeader, setRole } from './roles.ts';
import type { Answer, Election, RaftState } from './state.ts';
import { countVotes, neededVotes } from './quorum.ts';
import { countedPeers, electorate, mayCampaign, saveHardState, send } from './state.ts';
import type { NodeId } from './types.ts';

/** Our own reasons are shorter; what a peer says beyond is not for our log. */
const MAX_SHOWN_REASON_LENGTH = 100;

const ownVote: Answer = { granted: true, reason: '' };

/** Campaigns where it is time: by the election timeout, or at once where the leader's process has ended. */
export function tickFollower(state: RaftState): void {
  if (state.nowMs < promisedUntilMs(state)) return waitOut(state, promisedUntilMs(state));
  if (state.nowMs >= state.electionDeadlineMs) return onElectionTimeout(state);
  const reason = takeAttempt(state);
  if (reason !== null && mayCampaign(state)) startPreVote(state, reason);
}

/** No campaign before a promised lease has run out; then the waits begin, apart as ever. */
function waitOut(state: RaftState, untilMs: number): void {
  const { electionTimeoutMinMs, electionTimeoutMaxMs } = state.options.timings;
  const spanMs = electionTimeoutMaxMs - electionTimeoutMinMs;
  if (state.electionDeadlineMs < untilMs) state.electionDeadlineMs = untilMs + state.options.random() * spanMs;
  if (state.fastElection !== null) state.fastElection.dueMs = Math.max(state.fastElection.dueMs, untilMs);
}

/** The leader was silent for too long, or an election did not end: try to become leader. */
function onElectionTimeout(state: RaftState): void {
  const { timings } = state.options;
  const lateMs = state.nowMs - state.electionDeadlineMs;
  armElectionTimer(state);
  // A timeout seen this late says that we slept, not that the leader did; what it sent may still wait in the inbox. Once
  // only, so that a host that is always late still campaigns (raft.md H5).
  if (lateMs > timings.heartbeatMs && state.role === 'follower' && !state.stallForgiven) {
    state.stallForgiven = true;
    return;
  }
  state.fastElection = null;
  if (mayCampaign(state)) startPreVote(state, 'no leader was heard for an election timeout');
  else becomeFollower(state, state.term, null, 'the leader was not heard');
}

/**
 * Asks whether an election would be won before disturbing anyone with a new term (Raft thesis 9.6). The candidate forgets
 * its leader, or two of them would refuse each other for ever (raft.md L3).
 */
function startPreVote(state: RaftState, reason: string): void {
  state.election = { preVote: true, term: state.term + 1, answers: new Map(), ownVoteTicket: null };
  state.stallForgiven = false;
  setRole(state, 'preCandidate', reason);
  setLeader(state, null);
  requestVotes(state, state.election);
  recordAnswer(state, state.election, state.options.self.id, ownVote);
}

/**
 * The leader hands over. A message that is late, of a leader that has gone on since, names an end of the log that is not ours any
 * more, and is not obeyed (raft.md T3).
 */
export function handleTimeoutNow(state: RaftState, message: TimeoutNow): void {
  const { index, term } = state.log.last;
  const isOfNow = message.lastLogIndex === index && message.lastLogTerm === term;
  if (!isOfNow || state.role !== 'follower' || state.leaderId !== message.from || !mayCampaign(state)) return;
  startElection(state, `${message.from} hands over`, true);
}

/** `isTransfer`: on the leader's word, without asking first, and with it as the reason why voters need not wait. */
function startElection(state: RaftState, reason: string, isTransfer: boolean): void {
  state.term += 1;
  state.votedFor = state.options.self.id;
  saveHardState(state);
  armElectionTimer(state);
  const ownVoteTicket = state.effects.ticket;
  state.election = { preVote: false, term: state.term, answers: new Map(), ownVoteTicket };
  setRole(state, 'candidate', reason);
  setLeader(state, null);
  postponeAttempt(state);
  requestVotes(state, state.election, isTransfer);
}

function requestVotes(state: RaftState, election: Election, transfer = false): void {
  const { index: lastLogIndex, term: lastLogTerm } = state.log.last;
  const { preVote, term } = election;
  for (const id of countedPeers(state)) {
    send(state, id, { kind: 'voteRequest', preVote, lastLogIndex, lastLogTerm, transfer }, term);
  }
}

/** Counts the candidate's own vote once it is on disk; the vote of a lost election has another ticket (raft.md E6). */
export function countOwnVote(state: RaftState, persistedTicket: number): void {
  const { election } = state;
  if (election?.ownVoteTicket == null || election.ownVoteTicket > persistedTicket) return;
  if (!election.answers.has(state.options.self.id)) recordAnswer(state, election, state.options.self.id, ownVote);
}

export function handleVoteResponse(state: RaftState, message: VoteResponse): void {
  const { election } = state;
  // By the term that was asked for, not by the voter's own: a voter behind us may grant a pre-vote (raft.md L2), and a
  // late pre-vote must not count as a vote (E7).
  if (election?.preVote !== message.preVote || election.term !== message.requestTerm) return;
  if (!countedPeers(state).includes(message.from) || election.answers.has(message.from)) return;
  recordAnswer(state, election, message.from, message);
}

function recordAnswer(state: RaftState, election: Election, from: NodeId, { granted, reason }: Answer): void {
  election.answers.set(from, { granted, reason });
  const result = countVotes(electorate(state), (id) => election.answers.get(id)?.granted);
  if (result === 'open') return;
  const refusals = [...election.answers].filter(([, answer]) => !answer.granted);
  if (result === 'won') {
    if (election.preVote) startElection(state, 'a quorum would grant its votes', false);
    else becomeLeader(state, election.answers.size - refusals.length);
    return;
  }
  const why = refusals.map(([id, refusal]) => `${id}: ${refusal.reason.slice(0, MAX_SHOWN_REASON_LENGTH)}`).join('; ');
  const yes = election.answers.size - refusals.length;
  const tally = `${yes} of ${neededVotes(electorate(state))} ${election.preVote ? 'pre-votes' : 'votes'}`;
  becomeFollower(state, state.term, null, `${refusals.length} voters refused (${tally}; ${why})`);
}

/** Grants or refuses a vote, and always answers: a candidate must learn of a higher term (raft.md L2). */
export function handleVoteRequest(state: RaftState, message: VoteRequest): void {
  const reason = refusalReason(state, message);
  const granted = reason === null;
  if (granted) postponeAttempt(state, true);
  if (granted && !message.preVote) {
    if (state.votedFor === null) {
      state.votedFor = message.from;
      saveHardState(state);
    }
    armElectionTimer(state);
  }
  const { preVote, term: requestTerm } = message;
  state.effects.emit({
    kind: 'voteCast',
    candidate: message.from,
    term: requestTerm,
    granted,
    reason: reason ?? (preVote ? 'pre-vote' : 'vote'),
  });
  send(state, message.from, { kind: 'voteResponse', preVote, requestTerm, granted, reason: reason ?? '' });
}

/** Null: the vote is granted. A real request of a higher term moves this node to that term, granted or not. */
function refusalReason(state: RaftState, message: VoteRequest): string | null {
  const last = { index: message.lastLogIndex, term: message.lastLogTerm };
  // A leader that asks for votes leads no more, so its former followers need not wait for its silence. A leader that hands
  // over does so in its own term, so the election is for the next one: whoever claims more is not believed (raft.md T6).
  const isHandover = message.transfer && !message.preVote && message.term === state.term + 1;
  if (hearsLeader(state) && message.from !== state.leaderId && !isHandover) return `${state.leaderId ?? ''} leads`;
  const objection = isHandover ? null : leaseObjection(state, message.from);
  if (objection !== null) return objection;
  if (message.preVote) {
    if (message.term <= state.term) return `term ${state.term} has begun`;
    if (!yieldsTo(state, message.from, last)) return `${state.options.self.id} campaigns too, and comes first`;
  } else {
    if (message.term > state.term) becomeFollower(state, message.term, null, `${message.from} campaigns`);
    if (message.term < state.term) return `term ${state.term} has begun`;
    // A vote is remembered by name, and may have gone to the disk that it had before.
    const isAgain = state.votedFor === message.from && !isAdmittedAgain(state, message.from);
    if (state.votedFor !== null && !isAgain) return `voted for ${state.votedFor}`;
  }
  if (state.foundedElsewhere && message.lastLogIndex === 0) return 'the cluster is founded';
  const isUpToDate = state.log.isCoveredBy(last);
  return isUpToDate ? null : 'the log of the candidate is behind';
}
