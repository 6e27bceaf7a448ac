import { promisedUntilMs } from './lease.ts';
import { byRank } from './priority.ts';
import { setLeader } from './roles.ts';
import type { RaftState } from './state.ts';
import { countedPeers } from './state.ts';
import type { LogPosition, NodeId } from './types.ts';

/** Attempts before the election timeout takes over: with `lan` timings they span about half of it. */
const MAX_ATTEMPTS = 8;
/**
 * Steps that a voting round is given: two hops and two writes of each voter, on machines where a hop takes two steps. Of 4, 8 and
 * 12, simulated with hops and writes from 2 to 20 ms, 8 was never far from the best.
 */
const CANDIDATE_STEPS = 8;

/**
 * The process of a peer has ended: its connection was reset, and its address refuses new ones. If it led, nobody needs to wait
 * for its silence. The voters try one after the other, by rank, so that they do not split the vote; a pre-vote is granted
 * only by those who know it too, so a connection that merely broke deposes nobody.
 */
export function peerEnded(state: RaftState, id: NodeId): void {
  if (state.role !== 'follower' || state.leaderId !== id) return;
  setLeader(state, null);
  const survivors = [...countedPeers(state), state.options.self.id].filter((peer) => peer !== id);
  survivors.sort((a, b) => byRank(state, a, b));
  const rank = survivors.indexOf(state.options.self.id);
  const dueMs = Math.max(state.nowMs, promisedUntilMs(state)) + rank * state.options.timings.fastElectionStepMs;
  state.fastElection = { endedId: id, attemptsLeft: MAX_ATTEMPTS, dueMs };
}

/**
 * Of two that campaign at once, with logs that are alike, the first by rank goes on alone: each with the other's pre-vote, they
 * would split the votes, or the later one depose the earlier.
 */
export function yieldsTo(state: RaftState, candidate: NodeId, last: LogPosition): boolean {
  const isRival =
    state.fastElection !== null && state.role !== 'follower' && byRank(state, state.options.self.id, candidate) < 0;
  const own = state.log.last;
  return !(isRival && last.index === own.index && last.term === own.term);
}

/** Why to campaign now; null when no attempt is due. The next one follows if this one is refused or split. */
export function takeAttempt(state: RaftState): string | null {
  const { fastElection } = state;
  if (fastElection === null || state.nowMs < fastElection.dueMs) return null;
  fastElection.attemptsLeft -= 1;
  if (fastElection.attemptsLeft === 0) state.fastElection = null;
  else postponeAttempt(state);
  return `the process of ${fastElection.endedId} has ended`;
}

/** A voting round is under way, here or by one that was granted a vote: it is given its time. */
export function postponeAttempt(state: RaftState, hasGranted = false): void {
  const { fastElection } = state;
  if (fastElection === null) return;
  const steps = hasGranted || state.role === 'candidate' ? CANDIDATE_STEPS : 1;
  fastElection.dueMs = state.nowMs + (steps + state.options.random()) * state.options.timings.fastElectionStepMs;
}
