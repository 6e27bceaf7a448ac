import { describe, expect, it } from 'vitest';
import { encodeMembership, foundedBy } from '../../../node/src/raft/membership.ts';
import { createRaft } from '../../../node/src/raft/raft.ts';
import { emptyHardState } from '../../../node/src/raft/types.ts';
import type { Membership, SnapshotMetadata } from '../../../node/src/raft/types.ts';
import { command, logOf, Rig, roomyLimits, sent, timings } from './rig.ts';

const trio: Membership = foundedBy({
  clusterId: 'c1',
  voters: ['n1', 'n2', 'n3'].map((id) => ({ id, incarnation: `${id}-disk` })),
  unmet: 0,
});

const at = (index: number, term: number, membership = trio, membershipIndex = 1): SnapshotMetadata => ({
  ...{ index, term, membership, membershipIndex },
});

/** A follower that has heard n2 lead this term. */
function follower(options: ConstructorParameters<typeof Rig>[0], leaderTerm: number): Rig {
  const rig = new Rig(options);
  rig.heartbeat('n2', leaderTerm);
  rig.persist();
  return rig;
}

/** A leader whose five entries are committed, with a snapshot that leaves it the last one alone. */
function compactedLeader(options: ConstructorParameters<typeof Rig>[0] = {}): Rig {
  const rig = new Rig({ log: [1, 1, 1, 1], ...options });
  for (const id of ['n2', 'n3']) rig.meet(id, 'c1');
  rig.lead();
  rig.acknowledge('n2', 5);
  rig.step({ kind: 'snapshotSaved', snapshot: rig.core.snapshotAt(4) });
  rig.persist();
  return rig;
}

describe('a leader compacts its log', () => {
  it('forgets what a durable snapshot holds, and writes the new beginning with its vote', () => {
    const rig = new Rig({ log: [1, 1, 1, 1] });
    rig.lead();
    rig.acknowledge('n2', 5);
    const { persist } = rig.step({ kind: 'snapshotSaved', snapshot: rig.core.snapshotAt(4) });
    expect(persist).toMatchObject({ base: { index: 4, term: 1 }, hardState: { term: 2, votedFor: 'n1' }, entries: [] });
    expect(rig.status).toMatchObject({ baseIndex: 4, snapshotIndex: 4, lastIndex: 5 });
  });

  it('keeps a trail, in bytes, for peers that lack only that', () => {
    const rig = compactedLeader({ limits: { maxTrailingBytes: 2 * (64 + '3@1'.length) } });
    expect(rig.status).toMatchObject({ baseIndex: 2, snapshotIndex: 4 });
    rig.persist();
    expect(sent(rig.refuse('n3', 4, 2, 1), 'appendRequest')).toMatchObject([{ to: 'n3', prevLogIndex: 2 }]);
  });

  it('asks for a snapshot to be sent where the next entry is gone, and sends that peer nothing else meanwhile', () => {
    const rig = compactedLeader();
    const effects = rig.refuse('n3', 4, 2, 1);
    expect(effects.sendSnapshots).toEqual(['n3']);
    expect(sent(effects, 'appendRequest')).toEqual([]);
    expect(effects.events).toContainEqual({ kind: 'snapshotNeeded', to: 'n3', term: 2, snapshotIndex: 4 });
    expect(sent(rig.propose('x'), 'appendRequest').map(({ to }) => to)).toEqual(['n2']);
    expect(rig.refuse('n3', 3, 1, 1).sendSnapshots).toEqual([]);
  });

  it('goes on behind the snapshot once it is acknowledged, whichever it was (S6)', () => {
    for (const [arrived, next] of [
      [4, 4],
      [5, 5],
    ] as const) {
      const rig = compactedLeader();
      rig.refuse('n3', 4, 2, 1);
      rig.propose('x');
      expect(sent(rig.acknowledge('n3', arrived), 'appendRequest')).toMatchObject([{ to: 'n3', prevLogIndex: next }]);
    }
  });

  it('asks where the peer stands when the acknowledgement was lost, at its next sign of life (S6)', () => {
    const rig = compactedLeader();
    rig.refuse('n3', 4, 2, 1);
    expect(sent(rig.step({ kind: 'snapshotEnded', id: 'n3' }), 'appendRequest')).toEqual([]);
    const { term } = rig.status;
    const answered = rig.receive({ kind: 'heartbeatResponse', from: 'n3', term, round: 1, leaseMs: 0 });
    expect(sent(answered, 'appendRequest')).toMatchObject([{ to: 'n3', prevLogIndex: 4 }]);
    expect(rig.refuse('n3', 4, 2, 1).sendSnapshots).toEqual(['n3']);
  });

  it('keeps the log going on behind a snapshot that is being sent, up to a bound (S5)', () => {
    const rig = compactedLeader({ limits: { maxTrailingBytes: 140 } });
    rig.refuse('n3', 4, 0, 0);
    const grow = (entries: number): number => {
      for (let count = 0; count < entries; count += 1) rig.propose('x');
      rig.persist();
      rig.acknowledge('n2', rig.status.lastIndex);
      rig.step({ kind: 'snapshotSaved', snapshot: rig.core.snapshotAt(rig.status.commitIndex) });
      rig.persist();
      return rig.status.baseIndex;
    };
    const sending = 4;
    expect(grow(4)).toBe(sending);
    expect(sent(rig.acknowledge('n3', sending), 'appendRequest')).toMatchObject([{ to: 'n3', prevLogIndex: sending }]);
    rig.refuse('n3', rig.status.lastIndex, 0, 0);
    rig.acknowledge('n3', 2);
    // Nobody is receiving one now, so the trail is the usual one again.
    expect(grow(4)).toBe(rig.status.lastIndex - 2);
  });

  it('lets the log go in the end, however long a peer takes (S5)', () => {
    const rig = compactedLeader({ limits: { maxTrailingBytes: 140 } });
    rig.refuse('n3', 4, 0, 0);
    for (let round = 0; round < 20; round += 1) {
      rig.propose('x');
      rig.persist();
      rig.acknowledge('n2', rig.status.lastIndex);
    }
    rig.step({ kind: 'snapshotSaved', snapshot: rig.core.snapshotAt(rig.status.commitIndex) });
    expect(rig.status.baseIndex).toBeGreaterThan(10);
    expect(rig.status.baseIndex).toBeLessThan(rig.status.lastIndex - 4);
  });

  it('takes an older snapshot, or the same again, for nothing new (S3)', () => {
    const rig = compactedLeader();
    const again = rig.step({ kind: 'snapshotSaved', snapshot: at(4, 1) });
    expect([again.persist, again.events]).toEqual([null, []]);
  });

  it('is a bug to be stopped when it compacts what is not committed', () => {
    const rig = new Rig({ log: [1, 1, 1] });
    expect(() => rig.step({ kind: 'snapshotSaved', snapshot: at(2, 1) })).toThrow('not committed');
    expect(() => rig.core.snapshotAt(2)).toThrow('not committed');
  });
});

describe('a follower takes a snapshot', () => {
  it('in place of a log that ends before it, and acknowledges when the new beginning is durable', () => {
    const rig = follower({ log: [1, 1] }, 3);
    const effects = rig.step({ kind: 'snapshotInstalled', snapshot: at(7, 2) });
    expect(effects.persist).toMatchObject({ truncateFrom: 1, base: { index: 7, term: 2 }, entries: [] });
    expect(effects.committed).toEqual([]);
    expect(effects.sendAfterPersist).toMatchObject([{ kind: 'appendResponse', to: 'n2', success: true, index: 7 }]);
    expect(rig.status).toMatchObject({ lastIndex: 7, commitIndex: 7, baseIndex: 7, snapshotIndex: 7 });
    expect(sent(rig.append('n2', 3, [7, 2], [3], 8), 'appendResponse')).toMatchObject([{ success: true, index: 8 }]);
  });

  it('discards a log that disagrees with its last entry, and is not asked for ever (S1)', () => {
    const rig = follower({ log: [1, 1, 2, 2, 2] }, 3);
    const { persist } = rig.step({ kind: 'snapshotInstalled', snapshot: at(4, 3) });
    expect(persist).toMatchObject({ truncateFrom: 1, base: { index: 4, term: 3 } });
    expect(rig.status).toMatchObject({ lastIndex: 4, commitIndex: 4 });
    expect(sent(rig.append('n2', 3, [4, 3], [3]), 'appendResponse')).toMatchObject([{ success: true, index: 5 }]);
  });

  it('keeps what follows a last entry that it has, and commits up to there (S2)', () => {
    const rig = follower({ log: [1, 1, 1, 1, 1], limits: { maxTrailingBytes: 1e6 } }, 1);
    const effects = rig.step({ kind: 'snapshotInstalled', snapshot: at(3, 1) });
    expect(effects.persist).toBeNull();
    expect(effects.committed.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(rig.status).toMatchObject({ lastIndex: 5, commitIndex: 3, baseIndex: 0, snapshotIndex: 3 });
  });

  it('is moved back by none that is older, or comes twice, and says how far it is (S3)', () => {
    const rig = follower({ log: [1, 1, 1, 1, 1] }, 1);
    rig.heartbeat('n2', 1, 5);
    for (const snapshot of [at(3, 1), at(3, 1), at(2, 1)]) {
      const effects = rig.step({ kind: 'snapshotInstalled', snapshot });
      expect(effects.committed).toEqual([]);
      expect(sent(effects, 'appendResponse')).toMatchObject([{ success: true, index: 5 }]);
    }
    expect(rig.status).toMatchObject({ lastIndex: 5, commitIndex: 5, baseIndex: 3, snapshotIndex: 3 });
  });

  it('that leads by the time it has come takes nothing from it: what it holds is committed by counting, as ever (S7)', () => {
    const rig = new Rig({ log: [1, 1, 1] });
    rig.lead();
    const { events } = rig.step({ kind: 'snapshotInstalled', snapshot: at(2, 1) });
    expect(events).toMatchObject([{ kind: 'snapshotInstalled', isStale: true }]);
    expect(rig.status).toMatchObject({ role: 'leader', commitIndex: 0, lastIndex: 4 });
    expect(rig.acknowledge('n2', 4).committed.map(({ index }) => index)).toEqual([1, 2, 3, 4]);
  });

  it('takes nothing from an append that begins before it but what is behind it (S7)', () => {
    const rig = follower({ log: [1] }, 1);
    rig.step({ kind: 'snapshotInstalled', snapshot: at(4, 1) });
    rig.persist();
    const late = rig.append('n2', 1, [1, 1], [1, 1], 2);
    expect(late.persist).toBeNull();
    expect(sent(late, 'appendResponse')).toMatchObject([{ success: true, index: 4 }]);
    const overlapping = rig.append('n2', 1, [2, 1], [1, 1, 1, 1], 6);
    expect(overlapping.persist?.entries.map(({ index }) => index)).toEqual([5, 6]);
    expect(overlapping.committed.map(({ index }) => index)).toEqual([5, 6]);
  });

  it('counts by its members, not by those of the log it replaces, also after two in a row (S10)', () => {
    const duo: Membership = { ...trio, voters: trio.voters.slice(0, 2) };
    const rig = follower({ log: [1, 1] }, 3);
    const first = rig.step({ kind: 'snapshotInstalled', snapshot: at(7, 2, duo, 6) });
    expect(first.events).toContainEqual({ kind: 'membershipChanged', membership: duo, index: 6 });
    rig.persist();
    rig.step({ kind: 'snapshotInstalled', snapshot: at(9, 3, duo, 6) });
    expect(rig.status.membership).toEqual(duo);
    expect(rig.core.snapshotAt(9)).toEqual(at(9, 3, duo, 6));
  });

  it('knows who counted at the place of an own snapshot, and still after two compactions (S10)', () => {
    const grown: Membership = { ...trio, voters: [...trio.voters, { id: 'n4', incarnation: 'n4-disk' }] };
    const rig = follower({ log: [1, 1] }, 1);
    const change = { index: 3, term: 1, kind: 'membership' as const, data: encodeMembership(grown) };
    const last = { index: 4, term: 1, kind: 'command' as const, data: command('x') };
    const request = { kind: 'appendRequest', from: 'n2', term: 1, prevLogIndex: 2, prevLogTerm: 1 } as const;
    rig.receive({ ...request, entries: [change, last], commitIndex: 4 });
    expect(rig.core.snapshotAt(2)).toEqual(at(2, 1, trio, 1));
    rig.step({ kind: 'snapshotSaved', snapshot: rig.core.snapshotAt(2) });
    expect(rig.core.snapshotAt(4)).toEqual(at(4, 1, grown, 3));
    rig.step({ kind: 'snapshotSaved', snapshot: rig.core.snapshotAt(4) });
    expect(rig.status.membership).toEqual(grown);
  });
});

describe('a start from a snapshot, also one that a crash has left alone (S8)', () => {
  const start = (log: readonly number[], snapshot: SnapshotMetadata, baseIndex = 0): Rig =>
    new Rig({ log, snapshot, base: { index: baseIndex, term: baseIndex === 0 ? 0 : 1 }, term: 3 });

  it('goes on behind it, and commits nothing that it holds a second time', () => {
    const rig = start([1, 1, 1, 1, 1], at(4, 1), 2);
    expect(rig.status).toMatchObject({ lastIndex: 5, commitIndex: 4, baseIndex: 2, membership: trio });
    expect(rig.heartbeat('n2', 3, 5).committed.map(({ index }) => index)).toEqual([5]);
  });

  it.each([
    ['ends before it', [1, 1]],
    ['disagrees with it', [1, 1, 2, 2, 2]],
  ])('writes the new beginning that a crash has left out, where the log %s', (_, log) => {
    const { core, nowMs } = { core: coreOf(log, at(4, 3)), nowMs: 1_000 };
    const { persist } = core.step({ kind: 'tick' }, nowMs);
    expect(persist).toMatchObject({ truncateFrom: 1, base: { index: 4, term: 3 }, hardState: { term: 3 } });
    expect(core.status()).toMatchObject({ lastIndex: 4, commitIndex: 4, membership: trio });
  });

  it('is refused where the log begins behind its end', () => {
    expect(() => start([1, 1, 1, 1], at(2, 1), 3)).toThrow(
      'the log begins behind entry 3, and the snapshot ends at entry 2',
    );
  });

  const coreOf = (log: readonly number[], snapshot: SnapshotMetadata): ReturnType<typeof createRaft> =>
    createRaft({
      self: { id: 'n1', incarnation: 'n1-disk' },
      ...{
        listedSize: 3,
        proposedClusterId: 'c',
        removeDeadAfterMs: Infinity,
        timings,
        random: () => 0.5,
        limits: roomyLimits,
      },
      ...{ snapshot, base: { index: 0, term: 0 }, hardState: { ...emptyHardState, term: 3 } },
      entries: logOf(log, ['n1', 'n2', 'n3']),
    });
});
