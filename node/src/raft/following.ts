import { invariant } from '../lib/invariant.ts';
import { promiseLease } from './lease.ts';
import type { AppendRequest, Heartbeat } from './messages.ts';
import { hearLeader } from './roles.ts';
import type { RaftState } from './state.ts';
import { append, commitTo, learnOfFounding, send, truncateFrom } from './state.ts';

export function handleHeartbeat(state: RaftState, message: Heartbeat): void {
  hearLeader(state, message.from);
  invariant(
    message.commitIndex <= state.log.lastIndex,
    `${message.from} knows entry ${message.commitIndex} to be durable here, yet this log ends at ${state.log.lastIndex}: ` +
      'the disk has lost acknowledged entries',
  );
  commitTo(state, message.commitIndex);
  const leaseMs = promiseLease(state, message.from, message.leaseMs);
  send(state, message.from, { kind: 'heartbeatResponse', round: message.round, leaseMs });
}

/** Rules 2 to 5 of AppendEntries (Raft paper, figure 2). */
export function handleAppendRequest(state: RaftState, message: AppendRequest): void {
  hearLeader(state, message.from);
  // The first entry is the founding: committed at the leader, it is final, although it may not have come here.
  if (message.commitIndex > 0) learnOfFounding(state);
  state.leaderCommitIndex = Math.max(state.leaderCommitIndex, message.commitIndex);
  const { log } = state;
  const { prevLogIndex, prevLogTerm } = message;
  // What is before the base is committed, so the leader has the same there, and only what is behind it can be news.
  const isBeforeBase = prevLogIndex < log.base.index;
  if (!isBeforeBase && log.termAt(prevLogIndex) !== prevLogTerm) {
    // The leader skips whole terms from here on by its own log, as this side does by its own (raft.md R6, R7).
    const hint = log.lastNotAbove({ index: prevLogIndex, term: prevLogTerm });
    const body = { kind: 'appendResponse', success: false, index: prevLogIndex } as const;
    send(state, message.from, { ...body, hintIndex: hint.index, hintTerm: hint.term });
    return;
  }
  const entries = message.entries.filter(({ index }) => index > log.base.index);
  const firstNew = entries.findIndex(({ index, term }) => log.termAt(index) !== term);
  if (firstNew >= 0) {
    const first = entries[firstNew]!;
    // Only what conflicts goes: entries after a message that repeats what is here are newer, not wrong (R4, R5).
    if (first.index <= log.lastIndex) {
      invariant(first.index > state.commitIndex, `${message.from} would replace committed entry ${first.index}`);
      truncateFrom(state, first.index);
    }
    append(state, entries.slice(firstNew));
  }
  const verifiedIndex = Math.max(prevLogIndex, log.base.index) + entries.length;
  // Up to what this message has verified, not up to the end of the log: the rest may be another leader's (raft.md R2).
  commitTo(state, Math.min(message.commitIndex, verifiedIndex));
  const body = { kind: 'appendResponse', success: true, index: verifiedIndex } as const;
  send(state, message.from, { ...body, hintIndex: 0, hintTerm: 0 });
}
