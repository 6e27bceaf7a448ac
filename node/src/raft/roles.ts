import type { Role, NodeId } from './types.ts';
import type { RaftState } from './state.ts';
import { standsBack } from './priority.ts';
import { saveHardState } from './state.ts';

/**
 * A new random wait: uniform over the range, so that two nodes seldom campaign at once (Raft paper 5.2). Who stands back for a
 * preferred voter waits for a range that begins where the others' ends.
 */
export function armElectionTimer(state: RaftState): void {
  const { electionTimeoutMinMs, electionTimeoutMaxMs } = state.options.timings;
  const spanMs = electionTimeoutMaxMs - electionTimeoutMinMs;
  const fromMs = standsBack(state) ? electionTimeoutMaxMs : electionTimeoutMinMs;
  state.electionDeadlineMs = state.nowMs + fromMs + state.options.random() * spanMs;
}

export function setRole(state: RaftState, role: Role, reason: string): void {
  if (state.role === role) return;
  state.role = role;
  state.effects.emit({ kind: 'roleChanged', role, term: state.term, reason });
}

export function setLeader(state: RaftState, leaderId: NodeId | null): void {
  if (leaderId === null) state.leaderContactMs = null;
  else state.fastElection = null;
  if (state.leaderId === leaderId) return;
  state.leaderId = leaderId;
  state.effects.emit({ kind: 'leaderChanged', leaderId, term: state.term });
}

/**
 * A follower of `term`. Only a higher term clears the vote: a candidate that falls back within its term has voted already
 * (raft.md E5).
 */
export function becomeFollower(state: RaftState, term: number, leaderId: NodeId | null, reason: string): void {
  if (term > state.term) {
    state.term = term;
    state.votedFor = null;
    saveHardState(state);
  }
  if (state.role === 'leader') armElectionTimer(state);
  state.election = null;
  state.leadership = null;
  setRole(state, 'follower', reason);
  setLeader(state, leaderId);
}

/** The leader of this term was heard. */
export function hearLeader(state: RaftState, leaderId: NodeId): void {
  if (state.role !== 'follower') becomeFollower(state, state.term, leaderId, `${leaderId} leads term ${state.term}`);
  setLeader(state, leaderId);
  state.leaderContactMs = state.nowMs;
  state.stallForgiven = false;
  armElectionTimer(state);
}

/**
 * Whether a leader is alive as far as this node can tell, so that nobody else needs its vote (Raft thesis 4.2.3). A leader
 * counts itself: check-quorum ends its leadership where it is wrong.
 */
export function hearsLeader(state: RaftState): boolean {
  if (state.role === 'leader') return true;
  return (
    state.leaderContactMs !== null && state.nowMs - state.leaderContactMs < state.options.timings.electionTimeoutMinMs
  );
}
