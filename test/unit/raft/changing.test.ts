import { describe, expect, it } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { Rig, sent, timings } from './rig.ts';
import { n4, leader, hold, withLearner, votersOf, appended, refusal } from './changing-rig.ts';

describe('a learner', () => {
  it('is admitted by an entry of the log that carries its address, and receives the log', () => {
    const rig = leader();
    const { change } = rig.change(n4);
    expect(change).toEqual({ accepted: true, term: rig.status.term, index: 3 });
    expect(rig.status.membership).toMatchObject({ learners: ['n4'], addresses: { n4: 'host4:7000' }, outgoing: null });
    expect(sent(rig.meet('n4'), 'appendRequest').map(({ to }) => to)).toContain('n4');
  });

  it('counts for nothing: neither its acknowledgements, nor its votes, nor its silence', () => {
    const rig = withLearner();
    rig.propose('x');
    rig.persist();
    const { lastIndex, commitIndex } = rig.status;
    expect(rig.acknowledge('n4', lastIndex).committed).toEqual([]);
    expect(rig.status.commitIndex).toBe(commitIndex);
    expect(hold(rig, 'n3')[1]!.committed).toHaveLength(1);

    const candidate = new Rig({ learners: ['n4'] });
    candidate.campaign();
    candidate.grant('n4', false);
    expect(candidate.status.role).toBe('candidate');
  });

  it('never campaigns, however long its leader is silent', () => {
    const rig = new Rig({ id: 'n4', learners: ['n4'] });
    for (let round = 0; round < 3; round += 1) expect(rig.tick().sendNow).toEqual([]);
  });

  it('E8: votes when it is asked: the candidate may know already that it is a voter', () => {
    const rig = new Rig({ id: 'n4', learners: ['n4'], log: [1, 1] });
    expect(sent(rig.voteRequest('n2', 2, [3, 1]), 'voteResponse')).toMatchObject([{ granted: true }]);
    expect(rig.status.votedFor).toBe('n2');
  });

  it('M7: a second member that cannot be reached costs a cluster of one nothing, and has no vote before it has the log', () => {
    const rig = leader({ voters: ['n1'] });
    rig.change(n4);
    rig.persist();
    expect(rig.status).toMatchObject({ commitIndex: 3, lastIndex: 3 });
    rig.propose('x');
    rig.persist();
    expect(rig.status.commitIndex).toBe(4);
    expect(refusal(rig.change({ kind: 'promote', id: 'n4' }))).toBe('notCaughtUp');
    rig.meet('n4');
    expect(refusal(rig.change({ kind: 'promote', id: 'n4' }))).toBe('notCaughtUp');
    rig.acknowledge('n4', 4);
    expect(rig.change({ kind: 'promote', id: 'n4' }).change).toMatchObject({ accepted: true });
    rig.persist();
    expect(rig.status.commitIndex).toBe(4);
    rig.acknowledge('n4', 5);
    expect(rig.status.commitIndex).toBe(5);
  });

  it('is promoted once it lacks no more than one append carries, bound to the disk it has now', () => {
    const rig = withLearner({ limits: { maxAppendBytes: 100 } });
    rig.propose('a', 'b', 'c', 'd');
    expect(refusal(rig.change({ kind: 'promote', id: 'n4' }))).toBe('notCaughtUp');
    rig.acknowledge('n4', rig.status.lastIndex - 1);
    expect(rig.change({ kind: 'promote', id: 'n4' }).change).toMatchObject({ accepted: true });
    expect(rig.status.membership!.voters.at(-1)).toEqual({ id: 'n4', incarnation: 'n4-disk' });
  });

  it('M9: a wiped disk comes back as another member: the old one is removed, the new one learns, and what the old one held is gone', () => {
    const rig = leader();
    hold(rig, 'n2', 'n3');
    expect(rig.meet('n3', null, 'a new disk').events).toMatchObject([{ kind: 'peerRefused' }]);
    rig.change({ kind: 'remove', id: 'n3' });
    hold(rig, 'n2');
    rig.change({ kind: 'addLearner', id: 'n3', address: 'host3:7000' });
    hold(rig, 'n2');
    expect(rig.meet('n3', null, 'a new disk').events).toEqual([]);
    expect(rig.status.peers.find(({ id }) => id === 'n3')).toMatchObject({ matchIndex: 0 });
    expect(refusal(rig.change({ kind: 'promote', id: 'n3' }))).toBe('notCaughtUp');
    const { term, lastIndex } = rig.status;
    rig.receive(
      {
        ...{ kind: 'appendResponse', from: 'n3', term, success: true, index: lastIndex },
        ...{ hintIndex: 0, hintTerm: 0 },
      },
      'a new disk',
    );
    expect(rig.change({ kind: 'promote', id: 'n3' }).change).toMatchObject({ accepted: true });
    expect(rig.status.membership!.voters.at(-1)).toEqual({ id: 'n3', incarnation: 'a new disk' });
  });
});

describe('a change of the membership', () => {
  it('M1: is refused before this leader has committed in its term', () => {
    const rig = new Rig();
    for (const id of ['n2', 'n3']) rig.meet(id);
    rig.lead();
    expect(refusal(rig.change({ kind: 'remove', id: 'n3' }))).toBe('inProgress');
    rig.acknowledge('n2', 2);
    expect(rig.change({ kind: 'remove', id: 'n3' }).change).toMatchObject({ accepted: true });
  });

  it('M10: of two at once one is made, the other is refused by name, and nothing joint comes of it', () => {
    const rig = leader();
    expect(rig.change(n4).change).toMatchObject({ accepted: true });
    expect(refusal(rig.change({ kind: 'remove', id: 'n3' }))).toBe('inProgress');
    expect(rig.status.membership).toMatchObject({ learners: ['n4'], outgoing: null });
    hold(rig, 'n2');
    expect(rig.change({ kind: 'remove', id: 'n3' }).change).toMatchObject({ accepted: true });
  });

  it('M8: is judged by the newest membership, as that of a new leader that has applied nothing', () => {
    const rig = leader();
    rig.change({ kind: 'remove', id: 'n3' });
    hold(rig, 'n2');
    expect(refusal(rig.change({ kind: 'remove', id: 'n3' }))).toBe('impossible');
    expect(refusal(rig.change({ kind: 'demote', id: 'n3' }))).toBe('impossible');
  });

  it('is refused by who does not lead, naming who does, and while the leadership is handed over', () => {
    const follower = new Rig();
    follower.heartbeat('n2', 3);
    expect(follower.change(n4).change).toMatchObject({ accepted: false, code: 'notLeader', leaderId: 'n2' });
    const rig = leader();
    rig.step({ kind: 'transfer', to: 'n2' });
    expect(refusal(rig.change(n4))).toBe('inProgress');
  });

  it.each([
    ['nothing', []],
    ['a learner that is a voter', [{ kind: 'addLearner', id: 'n2', address: 'h:1' }]],
    ['a stranger promoted', [{ kind: 'promote', id: 'n9' }]],
    ['a stranger removed', [{ kind: 'remove', id: 'n9' }]],
    ['one member twice', [n4, { kind: 'promote', id: 'n4' }]],
    [
      'no voters',
      [
        { kind: 'remove', id: 'n1' },
        { kind: 'demote', id: 'n2' },
        { kind: 'remove', id: 'n3' },
      ],
    ],
  ] as const)('is refused where it makes no sense: %s', (_what, changes) => {
    expect(refusal(leader().change(...changes))).toBe('impossible');
  });

  it('is refused while a member of the list was never met: nobody knows yet who that is', () => {
    const rig = new Rig({ voters: ['n1', 'n2'], unmet: 1 });
    rig.meet('n2');
    rig.lead();
    rig.acknowledge('n2', 2);
    expect(refusal(rig.change(n4))).toBe('impossible');
  });

  it('is refused where too few of the voters it leaves are alive, and made where they are', () => {
    const rig = leader();
    rig.step({ kind: 'peerDown', id: 'n3' });
    expect(refusal(rig.change({ kind: 'remove', id: 'n2' }))).toBe('quorumAtRisk');
    expect(rig.change({ kind: 'remove', id: 'n3' }).change).toMatchObject({ accepted: true });
  });

  it('M6: of two members one is removed while it is down, and the other goes on alone', () => {
    const rig = leader({ voters: ['n1', 'n2'] });
    rig.step({ kind: 'peerDown', id: 'n2' });
    rig.change({ kind: 'remove', id: 'n2' });
    rig.persist();
    expect(rig.status).toMatchObject({ role: 'leader', commitIndex: 3, lastIndex: 3 });
    rig.nowMs += 10 * timings.electionTimeoutMaxMs;
    rig.tick();
    expect(rig.status.role).toBe('leader');
  });

  it('M2: is rolled back with its entry, and the membership before it counts again', () => {
    const rig = new Rig({ log: [1, 1] });
    const next = { clusterId: 'c1', voters: ['n1', 'n2', 'n3', 'n4'], learners: [] };
    rig.appendMembership('n2', 1, [2, 1], next);
    expect(votersOf(rig)).toEqual(['n1', 'n2', 'n3', 'n4']);
    const effects = rig.append('n3', 2, [2, 1], [2]);
    expect(effects.events).toContainEqual(expect.objectContaining({ kind: 'membershipChanged', index: 1 }));
    expect(votersOf(rig)).toEqual(['n1', 'n2', 'n3']);
  });
});

describe('more than one voter at once', () => {
  const swap = [
    { kind: 'demote', id: 'n3' },
    { kind: 'promote', id: 'n4' },
  ] as const;

  it('goes through a joint membership, and leaves it by itself once that is committed by both halves', () => {
    const rig = withLearner();
    expect(appended(rig.change(...swap))).toMatchObject([
      { outgoing: { voters: [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }] }, learners: ['n3'] },
    ]);
    expect(votersOf(rig)).toEqual(['n1', 'n2', 'n4']);
    rig.persist();
    const { lastIndex } = rig.status;
    expect(refusal(rig.change(n4))).toBe('inProgress');
    const left = rig.acknowledge('n2', lastIndex);
    expect(left.committed).toHaveLength(1);
    expect(appended(left)).toMatchObject([{ outgoing: null, learners: ['n3'] }]);
    expect(appended(rig.tick())).toEqual([]);
    hold(rig, 'n2');
    expect(rig.status.commitIndex).toBe(rig.status.lastIndex);
  });

  it('M4: within it both halves are needed to commit', () => {
    const rig = withLearner();
    for (const id of ['n5', 'n6']) {
      rig.change({ kind: 'addLearner', id, address: `${id}:7000` });
      hold(rig, 'n2');
      rig.meet(id);
      rig.acknowledge(id, rig.status.lastIndex);
    }
    for (const id of ['n4', 'n5', 'n6']) rig.acknowledge(id, rig.status.lastIndex);
    const ids = ['n4', 'n5', 'n6'].map((id) => ({ kind: 'promote', id }) as const);
    rig.change(...ids, { kind: 'remove', id: 'n2' }, { kind: 'remove', id: 'n3' });
    rig.persist();
    const { lastIndex, commitIndex } = rig.status;
    for (const id of ['n4', 'n5']) rig.acknowledge(id, lastIndex);
    expect(rig.status.commitIndex).toBe(commitIndex);
    rig.acknowledge('n3', lastIndex);
    expect(rig.status.commitIndex).toBe(lastIndex);
  });

  it('D6: within it a read is confirmed by both halves', () => {
    const rig = withLearner();
    rig.change(...swap);
    const round = sent(rig.step({ kind: 'read', readId: 1 }), 'heartbeat')[0]!.round;
    const answer = (from: string): Effects =>
      rig.receive({ kind: 'heartbeatResponse', from, term: rig.status.term, round, leaseMs: 0 });
    expect(answer('n3').reads).toEqual([]);
    expect(answer('n4').reads).toMatchObject([{ readId: 1, accepted: true }]);
  });

  it('M3: the next leader finishes it, once, after it has committed in its own term', () => {
    const rig = new Rig({ id: 'n1', voters: ['n1', 'n2', 'n4'], outgoing: ['n1', 'n2', 'n3'], log: [1, 1] });
    for (const id of ['n2', 'n3', 'n4']) rig.meet(id);
    const won = rig.lead(['n2']);
    expect(appended(won)).toEqual([]);
    const committed = rig.acknowledge('n2', 3);
    expect(appended(committed)).toMatchObject([{ outgoing: null, voters: [{ id: 'n1' }, { id: 'n2' }, { id: 'n4' }] }]);
    expect([rig.tick(), rig.acknowledge('n2', 4)].flatMap(appended)).toEqual([]);
  });

  it('T5: the leadership goes to no learner, and to nobody on the way out', () => {
    const rig = withLearner();
    const refused = (to: string): unknown =>
      rig.step({ kind: 'transfer', to }).events.filter(({ kind }) => kind === 'transferFailed');
    expect(refused('n4')).toHaveLength(1);
    rig.change(...swap);
    expect(refused('n3')).toHaveLength(1);
  });
});
