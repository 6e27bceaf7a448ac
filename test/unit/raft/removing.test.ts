import { describe, expect, it } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { memberOf, Rig, sent } from './rig.ts';
import { leader, hold, votersOf, appended } from './changing-rig.ts';

describe('the leader', () => {
  it('M5: that removes itself leads until that is committed, not counting itself, then hands over and goes', () => {
    const rig = leader();
    rig.change({ kind: 'remove', id: 'n1' });
    rig.persist();
    const { lastIndex } = rig.status;
    rig.acknowledge('n2', lastIndex);
    expect(rig.status).toMatchObject({ role: 'leader', commitIndex: lastIndex - 1 });
    const committed = rig.acknowledge('n3', lastIndex);
    expect(sent(committed, 'timeoutNow')).toMatchObject([{ to: 'n2', lastLogIndex: lastIndex }]);
    expect(rig.status).toMatchObject({ role: 'leader', commitIndex: lastIndex });
    const deposed = rig.voteRequest('n2', rig.status.term + 1, [lastIndex, rig.status.term], { transfer: true });
    expect(deposed.events).toContainEqual(expect.objectContaining({ kind: 'removed', index: lastIndex }));
    for (let round = 0; round < 3; round += 1) expect(rig.tick().sendNow).toEqual([]);
  });

  it('M5: goes by itself where nobody takes over', () => {
    const rig = leader();
    rig.change({ kind: 'demote', id: 'n1' });
    hold(rig, 'n2', 'n3');
    expect(rig.status.role).toBe('leader');
    rig.step({ kind: 'peerDown', id: 'n2' });
    expect(rig.status.role).toBe('follower');
    expect(rig.status.membership).toMatchObject({ learners: ['n1'] });
  });
});

describe('a voter whose removal is not certain', () => {
  const next = { clusterId: 'c1', voters: ['n2', 'n3'], learners: [] };

  it('M3, M5: campaigns, as those who stay may lack the entry that removes it, and finishes the change as their leader', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3'], log: [1, 1] });
    for (const id of ['n2', 'n3']) rig.meet(id);
    rig.appendMembership('n2', 1, [2, 1], next);
    rig.lead(['n2', 'n3']);
    rig.acknowledge('n2', 4);
    expect(rig.status.commitIndex).toBe(0);
    expect(sent(rig.acknowledge('n3', 4), 'timeoutNow')).toMatchObject([{ to: 'n2' }]);
    expect(rig.status.commitIndex).toBe(4);
  });

  it('counts nobody for its own vote', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3'], log: [1, 1] });
    for (const id of ['n2', 'n3']) rig.meet(id);
    rig.appendMembership('n2', 1, [2, 1], next);
    rig.campaign(['n2', 'n3']);
    rig.grant('n3', false);
    expect(rig.status.role).toBe('candidate');
  });

  it('does not campaign once it is certain', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3'], log: [1, 1] });
    rig.appendMembership('n2', 1, [2, 1], next);
    rig.heartbeat('n2', 1, 3);
    for (let round = 0; round < 3; round += 1) expect(rig.tick().sendNow).toEqual([]);
  });
});

describe('a removed node', () => {
  it('is sent the log as long as it is connected, and learns by it that it was removed, once', () => {
    const rig = leader();
    rig.change({ kind: 'remove', id: 'n3' });
    rig.persist();
    const told = sent(rig.acknowledge('n2', 3), 'appendRequest').filter(({ to }) => to === 'n3');
    expect(told).toMatchObject([{ commitIndex: 3 }]);
    rig.step({ kind: 'peerDown', id: 'n3' });
    expect(sent(rig.beat(), 'heartbeat').map(({ to }) => to)).toEqual(['n2']);
    expect(sent(rig.meet('n3', 'c1'), 'appendRequest').map(({ to }) => to)).toContain('n3');

    const removed = new Rig({ id: 'n3', log: [1, 1] });
    removed.appendMembership('n1', 1, [2, 1], { clusterId: 'c1', voters: ['n1', 'n2'], learners: [] });
    const effects = removed.heartbeat('n1', 1, 3);
    expect(effects.events).toContainEqual({ kind: 'removed', index: 3, term: 1 });
    expect(removed.heartbeat('n1', 1, 3).events).toEqual([]);
  });

  it('that was met before the cluster was founded is told by the next leader too, and by one that it lags behind', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3'], log: [1, 1] });
    for (const id of ['n2', 'n3']) rig.meet(id);
    rig.heartbeat('n2', 1, 2);
    rig.appendMembership('n2', 1, [2, 1], { clusterId: 'c1', voters: ['n1', 'n2'], learners: [] });
    const certain = rig.heartbeat('n2', 1, 3);
    expect(certain.events.filter(({ kind }) => kind === 'peerRefused')).toEqual([]);
    const won = rig.lead(['n2']);
    expect(sent(won, 'appendRequest').map(({ to }) => to)).toContain('n3');
    expect(sent(rig.refuse('n3', 3, 2, 1), 'appendRequest')).toMatchObject([{ to: 'n3', prevLogIndex: 2 }]);
  });

  it('is not one whose admission was undone: nobody removed it, and it may yet be admitted', () => {
    const rig = new Rig({ id: 'n4', voters: ['n1', 'n2'], log: [1, 1] });
    rig.appendMembership('n1', 1, [2, 1], { clusterId: 'c1', voters: ['n1', 'n2'], learners: ['n4'] });
    rig.append('n2', 2, [2, 1], [2], 3);
    const removals = (effects: Effects): unknown => effects.events.filter(({ kind }) => kind === 'removed');
    expect([rig.status.commitIndex, rig.status.membership?.learners]).toEqual([3, []]);
    expect(removals(rig.heartbeat('n2', 2, 3))).toEqual([]);
    const admission = { clusterId: 'c1', voters: ['n1', 'n2'], learners: ['n4'] };
    rig.appendMembership('n2', 2, [3, 2], admission);
    rig.heartbeat('n2', 2, 4);
    rig.appendMembership('n2', 2, [4, 2], { ...admission, learners: [] });
    expect(removals(rig.heartbeat('n2', 2, 5))).toEqual([{ kind: 'removed', index: 5, term: 2 }]);
  });

  it('is not one whose place of the list was given back with the entry that bound it', () => {
    const rig = new Rig({ id: 'n3', voters: ['n1', 'n2'], unmet: 1, log: [1, 1] });
    rig.appendMembership('n1', 1, [2, 1], { clusterId: 'c1', voters: ['n1', 'n2', 'n3'], learners: [] });
    const undone = rig.append('n2', 2, [2, 1], [2], 3);
    expect([...undone.events, ...rig.heartbeat('n2', 2, 3).events].map(({ kind }) => kind)).not.toContain('removed');
    rig.appendMembership('n2', 2, [3, 2], { clusterId: 'c1', voters: ['n1', 'n2', 'n3'], learners: [] });
    const membership = { ...rig.status.membership!, voters: ['n1', 'n2'].map(memberOf), unmet: 1 };
    const snapshot = { index: 9, term: 3, membership, membershipIndex: 1 };
    expect(rig.step({ kind: 'snapshotInstalled', snapshot }).events.map(({ kind }) => kind)).not.toContain('removed');
    expect(rig.status.commitIndex).toBe(9);
  });

  it('is not one that was added again, as far as it has heard: it waits for the rest of the log', () => {
    const rig = new Rig({ id: 'n3', log: [1, 1] });
    const without = { clusterId: 'c1', voters: ['n1', 'n2'], learners: [] };
    const first = rig.appendMembership('n1', 1, [2, 1], without, 4);
    expect(first.events.map(({ kind }) => kind)).not.toContain('removed');
    const second = rig.appendMembership('n1', 1, [3, 1], { ...without, learners: ['n3'] }, 4);
    expect([rig.status.commitIndex, ...second.events.map(({ kind }) => kind)]).not.toContain('removed');
    expect(rig.status.commitIndex).toBe(4);
  });

  it('is not what a newcomer is, that reads of the time before it', () => {
    const rig = new Rig({ id: 'n9', log: [], listedSize: 3 });
    rig.append('n1', 1, [0, 0], []);
    rig.appendMembership('n1', 1, [0, 0], { clusterId: 'c1', voters: ['n1', 'n2'], learners: [] });
    expect(rig.heartbeat('n1', 1, 1).events.filter(({ kind }) => kind === 'removed')).toEqual([]);
  });

  it('E11: disturbs nobody: the others refuse it for the sake of their leader, and keep their term', () => {
    const rig = new Rig({ voters: ['n1', 'n2'], log: [1, 1] });
    rig.heartbeat('n2', 5);
    const asked = rig.voteRequest('n3', 6, [9, 5], { preVote: true });
    expect(sent(asked, 'voteResponse')).toMatchObject([{ granted: false, term: 5 }]);
    rig.voteRequest('n3', 9, [9, 5]);
    expect(rig.status).toMatchObject({ term: 5, leaderId: 'n2' });
    const lead = leader({ voters: ['n1', 'n2'] });
    lead.voteRequest('n3', 9, [9, 5]);
    expect(lead.status.role).toBe('leader');
  });
});

describe('M12: a voter that was dead for long', () => {
  const removeDeadAfterMs = 10_000;

  /** Time passes in heartbeats, which these answer. */
  function live(rig: Rig, forMs: number, ...alive: string[]): Effects[] {
    const all: Effects[] = [];
    for (const untilMs = rig.nowMs + forMs; rig.nowMs < untilMs;) {
      const effects = rig.beat();
      all.push(effects);
      const round = sent(effects, 'heartbeat')[0]?.round;
      if (rig.status.role !== 'leader' || round === undefined) break;
      rig.persist();
      const { term, lastIndex } = rig.status;
      for (const from of alive) {
        rig.receive({ kind: 'heartbeatResponse', from, term, round, leaseMs: 0 });
        all.push(rig.acknowledge(from, lastIndex));
      }
    }
    return all;
  }

  it('is removed by the leader, who says so, and not a moment before', () => {
    const rig = leader({ removeDeadAfterMs });
    rig.step({ kind: 'peerDown', id: 'n3' });
    live(rig, removeDeadAfterMs - 200, 'n2');
    expect(votersOf(rig)).toEqual(['n1', 'n2', 'n3']);
    const events = live(rig, 400, 'n2').flatMap((effects) => effects.events);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'deadRemoved', id: 'n3' }));
    expect(votersOf(rig)).toEqual(['n1', 'n2']);
  });

  it('stays where nobody asked for it', () => {
    const rig = leader();
    live(rig, 5 * removeDeadAfterMs, 'n2');
    expect(votersOf(rig)).toEqual(['n1', 'n2', 'n3']);
  });

  it('is removed one at a time, and never the last living majority', () => {
    const voters = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const rig = leader({ voters, removeDeadAfterMs });
    for (const id of ['n4', 'n5']) rig.step({ kind: 'peerDown', id });
    const sizes = live(rig, 2 * removeDeadAfterMs, 'n2', 'n3')
      .flatMap(appended)
      .map((membership) => membership.voters.length);
    expect(sizes).toEqual([4, 3]);
    // Alone it is no quorum of three, whoever is dead: it removes nobody, and leads no more.
    for (const id of ['n2', 'n3']) rig.step({ kind: 'peerDown', id });
    live(rig, 2 * removeDeadAfterMs);
    expect(votersOf(rig)).toEqual(['n1', 'n2', 'n3']);
    expect(rig.status.role).toBe('follower');
  });
});
