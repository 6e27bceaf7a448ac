import { invariant } from '../lib/invariant.ts';
import type { RaftOptions } from './core.ts';
import { Log } from './log.ts';
import type { Progress } from './progress.ts';
import type { RaftState } from './state.ts';
import { announceMembership, commitTo, saveBase, send } from './state.ts';
import type { NodeId, SnapshotMetadata } from './types.ts';

/**
 * Up to how many times the usual trail a leader keeps, so that a peer that is receiving a snapshot finds the log going on behind
 * it. Without that, a peer which takes longer to receive one than the log takes to grow would get one after the other for
 * ever (raft.md S5; hashicorp/raft#212); without a bound, a slow peer would let the log grow.
 */
const HELD_TRAILS = 4;

/**
 * The log as recovered, or a new one behind the snapshot where that is further, or where the logs disagree: then a crash came
 * between installing it and writing the new beginning of the log. What disagrees with a snapshot was never committed.
 */
export function joinLog({ snapshot, base, entries }: RaftOptions): {
  readonly log: Log;
  readonly isDiscarded: boolean;
} {
  const log = new Log(base, entries);
  if (snapshot === null) {
    invariant(base.index === 0, `the log begins behind entry ${base.index}, and there is no snapshot`);
    return { log, isDiscarded: false };
  }
  const { index, term } = snapshot;
  invariant(base.index <= index, `the log begins behind entry ${base.index}, and the snapshot ends at entry ${index}`);
  if (log.termAt(index) === term) return { log, isDiscarded: false };
  invariant(base.index < index, `entry ${index} is of term ${term} in the snapshot, of ${base.term} in the log`);
  return { log: new Log({ index, term }, []), isDiscarded: true };
}

/** What a snapshot of the state after entry `index` stands for. */
export function snapshotAt(state: RaftState, index: number): SnapshotMetadata {
  const term = state.log.termAt(index);
  const known = state.memberships.at(index);
  invariant(index <= state.commitIndex, `entry ${index} is not committed`);
  invariant(term !== null && known !== null, `entry ${index} is gone from this log`);
  return { index, term, membership: known.membership, membershipIndex: known.index };
}

/** A snapshot of this node's own state is durable: the log before it may go. */
export function saveSnapshot(state: RaftState, snapshot: SnapshotMetadata): void {
  if (snapshot.index <= (state.snapshot?.index ?? 0)) return;
  invariant(snapshot.index <= state.commitIndex, `the snapshot holds entry ${snapshot.index}, which is not committed`);
  state.snapshot = snapshot;
  compact(state, snapshot);
}

function compact(state: RaftState, { index }: SnapshotMetadata): void {
  const { log, memberships } = state;
  const to = Math.min(log.trailingFrom(index, state.options.limits.maxTrailingBytes), heldFor(state));
  if (to <= log.base.index) return;
  log.compact(to);
  memberships.compact(to);
  saveBase(state, log.base);
  state.effects.emit({ kind: 'compacted', baseIndex: to, snapshotIndex: index });
}

/** The entry behind which a leader keeps the log for peers that are receiving a snapshot. */
function heldFor(state: RaftState): number {
  const peers = [...(state.leadership?.progress.values() ?? [])];
  const receiving = peers.filter(({ mode }) => mode === 'snapshot').map(({ snapshotIndex }) => snapshotIndex);
  const bound = state.log.trailingFrom(state.log.lastIndex, HELD_TRAILS * state.options.limits.maxTrailingBytes);
  return receiving.length === 0 ? Infinity : Math.max(bound, Math.min(...receiving));
}

/**
 * A peer's snapshot is durable here, and the state machine has taken it. A log that holds its last entry is kept, since what follows
 * may be acknowledged already (raft.md S2); any other is of no use, and would be refused for ever (S1).
 */
export function installSnapshot(state: RaftState, snapshot: SnapshotMetadata): void {
  const { index, term } = snapshot;
  // A leader commits by counting, and soon will: it holds all that a snapshot can.
  const isStale = index <= state.commitIndex || state.leadership !== null;
  state.effects.emit({ kind: 'snapshotInstalled', index, term, isStale });
  if (!isStale) takeOver(state, snapshot);
  if (index > (state.snapshot?.index ?? 0) && index <= state.commitIndex) {
    state.snapshot = snapshot;
    if (index > state.log.base.index) compact(state, snapshot);
  }
  acknowledgeCommit(state);
}

function takeOver(state: RaftState, snapshot: SnapshotMetadata): void {
  const { log } = state;
  if (log.termAt(snapshot.index) === snapshot.term) {
    return commitTo(state, snapshot.index);
  }
  if (log.lastIndex > log.base.index) state.effects.truncateFrom(log.base.index + 1);
  log.reset({ index: snapshot.index, term: snapshot.term });
  saveBase(state, log.base);
  state.commitIndex = snapshot.index;
  if (state.memberships.reset(snapshot)) announceMembership(state);
}

/** Tells the leader where to go on. What is committed here, it has. */
function acknowledgeCommit(state: RaftState): void {
  const { leaderId, commitIndex } = state;
  if (leaderId === null || state.leadership !== null) return;
  const body = { kind: 'appendResponse', success: true, index: commitIndex } as const;
  send(state, leaderId, { ...body, hintIndex: 0, hintTerm: 0 });
}

/** The new beginning of a log that was discarded at the start. */
export function writeNewBase(state: RaftState, options: RaftOptions): void {
  if (options.entries.length > 0) state.effects.truncateFrom(options.base.index + 1);
  saveBase(state, state.log.base);
}

/** The next entry for this peer is gone. */
export function needsSnapshot(state: RaftState, progress: Progress): boolean {
  return progress.nextIndex <= state.log.base.index;
}

export function startSnapshot(state: RaftState, progress: Progress): void {
  const { snapshot, term } = state;
  invariant(snapshot !== null, 'a log that was compacted has a snapshot');
  progress.startSnapshot(snapshot.index);
  state.effects.sendSnapshot(progress.id);
  state.effects.emit({ kind: 'snapshotNeeded', to: progress.id, term, snapshotIndex: snapshot.index });
}

export function snapshotEnded(state: RaftState, id: NodeId): void {
  state.leadership?.progress.get(id)?.endSnapshot(state.log.base.index);
}
