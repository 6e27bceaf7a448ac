import { describe, expect, it } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { Rig, sent, timings } from './rig.ts';

const five = ['n1', 'n2', 'n3', 'n4', 'n5'];

describe('elections and votes', () => {
  it('E1: a split vote elects nobody, and both try again in a later term', () => {
    const [one, two] = [new Rig(), new Rig({ id: 'n2', voters: ['n1', 'n2', 'n3'] })];
    one.campaign(['n3']);
    two.campaign(['n3']);
    const refusal = sent(two.receive({ ...sentRequest('n1', 2) }), 'voteResponse')[0]!;
    expect(refusal).toMatchObject({ granted: false, reason: 'voted for n2' });
    one.receive(refusal);
    expect(one.status).toMatchObject({ role: 'candidate', term: 2 });
    one.grant('n3', false, false);
    expect(one.status).toMatchObject({ role: 'follower', term: 2 });
    one.lead();
    expect(one.status).toMatchObject({ role: 'leader', term: 3 });
  });

  it('E2: the last term decides before the length does', () => {
    const rig = new Rig({ log: [1, 1, 1, 1, 2] });
    expect(sent(rig.voteRequest('n2', 4, [9, 1]), 'voteResponse')).toMatchObject([{ granted: false }]);
    expect(sent(rig.voteRequest('n2', 4, [2, 3]), 'voteResponse')).toMatchObject([{ granted: true }]);
  });

  it('E3: a vote waits for the disk, and a restart with what is on it votes for nobody else', () => {
    const effects = new Rig().voteRequest('n2', 5, [1, 1]);
    expect(effects.sendNow).toEqual([]);
    expect(effects.persist?.hardState).toEqual({ term: 5, votedFor: 'n2', foundedElsewhere: false });
    expect(sent(effects, 'voteResponse')).toMatchObject([{ granted: true, to: 'n2' }]);
    const restarted = new Rig({ term: 5, votedFor: 'n2' });
    expect(sent(restarted.voteRequest('n3', 5, [1, 1]), 'voteResponse')).toMatchObject([{ granted: false }]);
  });

  it('E3: a vote request waits for the disk too, since it states the end of a log and a term', () => {
    const rig = new Rig();
    rig.tick();
    const effects = rig.grant('n2', true);
    expect(effects.sendNow).toEqual([]);
    expect(effects.persist?.hardState).toEqual({ term: 2, votedFor: 'n1', foundedElsewhere: false });
    expect(effects.sendAfterPersist.map(({ kind }) => kind)).toEqual(['voteRequest', 'voteRequest']);
  });

  it('E4: the same candidate is granted its vote again, with nothing new to write', () => {
    const rig = new Rig();
    rig.voteRequest('n2', 2, [1, 1]);
    const again = rig.voteRequest('n2', 2, [1, 1]);
    expect(again.persist).toBeNull();
    expect(again.sendNow).toEqual([]);
    expect(sent(again, 'voteResponse')).toMatchObject([{ granted: true }]);
  });

  it('E5: a candidate that falls back within its term keeps its vote', () => {
    const rig = new Rig();
    rig.campaign();
    rig.heartbeat('n3', 2);
    expect(rig.status).toMatchObject({ role: 'follower', term: 2, votedFor: 'n1' });
    rig.nowMs += timings.electionTimeoutMaxMs;
    expect(sent(rig.voteRequest('n2', 2, [1, 1]), 'voteResponse')).toMatchObject([{ granted: false }]);
  });

  it('E5: a pre-candidate that falls back within its term keeps its vote', () => {
    const rig = new Rig({ term: 4, votedFor: 'n3' });
    rig.tick();
    rig.grant('n2', true, false);
    rig.grant('n3', true, false);
    expect(rig.status).toMatchObject({ role: 'follower', term: 4, votedFor: 'n3' });
  });

  it('E6: a candidate counts its own vote once it is durable, and not before', () => {
    const rig = new Rig();
    rig.tick();
    rig.grant('n2', true);
    rig.grant('n2', false);
    expect(rig.status.role).toBe('candidate');
    rig.persist();
    expect(rig.status.role).toBe('leader');
  });

  it('E6: the own vote of a lost election does not count in the next one', () => {
    const rig = new Rig({ voters: five });
    rig.tick();
    rig.grant('n2', true);
    const first = rig.grant('n3', true).persist!.ticket;
    rig.tick();
    rig.grant('n2', true);
    rig.grant('n3', true);
    rig.grant('n2', false);
    rig.grant('n3', false);
    rig.persist(first);
    expect(rig.status).toMatchObject({ role: 'candidate', term: 3 });
    rig.persist();
    expect(rig.status).toMatchObject({ role: 'leader', term: 3 });
  });

  it('E7: a late pre-vote is not a vote, and a vote of another term is none', () => {
    const rig = new Rig({ voters: five });
    rig.campaign(['n2', 'n3']);
    const answer = { kind: 'voteResponse', from: 'n4', term: 1, granted: true, reason: '' } as const;
    rig.receive({ ...answer, preVote: true, requestTerm: 2 });
    rig.receive({ ...answer, from: 'n5', preVote: true, requestTerm: 2 });
    rig.receive({ ...answer, preVote: false, requestTerm: 1 });
    expect(rig.status.role).toBe('candidate');
    rig.grant('n4', false);
    rig.grant('n4', false);
    expect(rig.status.role).toBe('candidate');
    rig.grant('n5', false);
    expect(rig.status.role).toBe('leader');
  });

  it('E9: votes of nodes outside the membership count for nothing', () => {
    const rig = new Rig();
    rig.campaign();
    rig.grant('stranger', false);
    expect(rig.status.role).toBe('candidate');
  });
});

describe('pre-vote, check-quorum and stickiness', () => {
  it('L1: a member that returns from a partition does not depose the leader', () => {
    const rig = new Rig();
    rig.lead();
    const { term } = rig.status;
    expect(sent(rig.voteRequest('n3', term + 1, [1, 1], { preVote: true }), 'voteResponse')).toMatchObject([
      { granted: false },
    ]);
    expect(sent(rig.voteRequest('n3', term + 5, [9, 9]), 'voteResponse')).toMatchObject([{ granted: false }]);
    expect(rig.status).toMatchObject({ role: 'leader', term });
  });

  it('L1: a follower that hears its leader refuses others, without taking their term; a silent one it deserts', () => {
    const rig = new Rig();
    rig.heartbeat('n2', 1);
    expect(sent(rig.voteRequest('n3', 9, [9, 9]), 'voteResponse')).toMatchObject([{ granted: false }]);
    expect(rig.status.term).toBe(1);
    rig.nowMs += timings.electionTimeoutMinMs;
    expect(sent(rig.voteRequest('n3', 9, [9, 9]), 'voteResponse')).toMatchObject([{ granted: true }]);
  });

  it('L1: a leader that asks for votes itself leads no more, so its followers need not wait', () => {
    const rig = new Rig();
    rig.heartbeat('n2', 1);
    expect(sent(rig.voteRequest('n2', 2, [1, 1], { preVote: true }), 'voteResponse')).toMatchObject([
      { granted: true },
    ]);
  });

  it('a candidate that gives up says who refused, and why', () => {
    const rig = new Rig();
    rig.campaign();
    const refuse = (from: string, reason: string): Effects =>
      rig.receive({
        ...{ kind: 'voteResponse', from, term: 2, preVote: false, requestTerm: 2, granted: false, reason },
      });
    refuse('n2', 'voted for n3');
    const { events } = refuse('n3', `${'long'.repeat(25)} beyond the bound`);
    const reason = `2 voters refused (1 of 2 votes; n2: voted for n3; n3: ${'long'.repeat(25)})`;
    expect(events).toMatchObject([{ kind: 'roleChanged', role: 'follower', reason }]);
  });

  it('L2: a pre-vote of a lower term is refused with the higher one, which the candidate takes', () => {
    const ahead = new Rig({ id: 'n2', voters: ['n1', 'n2', 'n3'], term: 6 });
    const behind = new Rig({ log: [1, 1] });
    const request = sent(behind.tick(), 'voteRequest').find(({ to }) => to === 'n2')!;
    const answer = sent(ahead.receive(request), 'voteResponse')[0]!;
    expect(answer).toMatchObject({ granted: false, term: 6, requestTerm: 2 });
    behind.receive(answer);
    expect(behind.status).toMatchObject({ role: 'follower', term: 6 });
    const retry = sent(behind.tick(), 'voteRequest').find(({ to }) => to === 'n2')!;
    expect(sent(ahead.receive(retry), 'voteResponse')).toMatchObject([{ granted: true }]);
  });

  it('L2: a voter of a lower term can grant a pre-vote, and keeps its term', () => {
    const voter = new Rig({ id: 'n2', voters: ['n1', 'n2', 'n3'] });
    const answer = sent(voter.voteRequest('n1', 8, [1, 1], { preVote: true }), 'voteResponse')[0]!;
    expect(answer).toMatchObject({ granted: true, term: 1, requestTerm: 8 });
    const candidate = new Rig({ term: 7 });
    candidate.tick();
    candidate.receive(answer);
    expect(candidate.status).toMatchObject({ role: 'candidate', term: 8 });
  });

  it('L3: a pre-candidate forgets its leader, so two of them elect one of them', () => {
    const rig = new Rig();
    rig.heartbeat('n3', 1);
    rig.tick();
    expect(rig.status).toMatchObject({ role: 'preCandidate', leaderId: null });
    expect(sent(rig.voteRequest('n2', 2, [1, 1], { preVote: true }), 'voteResponse')).toMatchObject([
      { granted: true },
    ]);
  });

  it('L4: a candidate of a higher term is freed: the leader hears of that term and steps down', () => {
    const leader = new Rig();
    leader.lead();
    const stuck = new Rig({ id: 'n3', voters: ['n1', 'n2', 'n3'], term: 9 });
    const beat = sent(leader.tick(), 'heartbeat').find(({ to }) => to === 'n3')!;
    const answer = sent(stuck.receive(beat), 'heartbeatResponse')[0]!;
    expect(answer.term).toBe(9);
    leader.receive(answer);
    expect(leader.status).toMatchObject({ role: 'follower', term: 9 });
    const append = new Rig({ id: 'n3', voters: ['n1', 'n2', 'n3'], term: 9 }).append('n1', 2, [1, 1], [2]);
    expect(sent(append, 'appendResponse')).toMatchObject([{ success: false, term: 9 }]);
  });

  it('E12: a member without a vote that has a higher term costs one election, and freezes nothing', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3'], unmet: 1 });
    rig.meet('n2');
    rig.lead(['n2', 'n3']);
    rig.meet('n4', 'c1');
    rig.receive({ kind: 'heartbeatResponse', from: 'n4', term: 50, round: 1, leaseMs: 0 });
    expect(rig.status).toMatchObject({ role: 'follower', term: 50, votedFor: null });
    expect(sent(rig.voteRequest('n4', 51, [9, 50]), 'voteResponse')).toHaveLength(1);
    rig.lead(['n2', 'n3']);
    expect(rig.status.role).toBe('leader');
    expect(rig.status.term).toBeGreaterThan(50);
  });

  it('check-quorum: a leader that hears no quorum for the longest timeout steps down, one that does stays', () => {
    const [alone, heard] = [new Rig(), new Rig()];
    for (const rig of [alone, heard]) rig.lead();
    const untilMs = alone.nowMs + timings.electionTimeoutMaxMs;
    for (const rig of [alone, heard]) {
      while (rig.nowMs < untilMs) {
        rig.tick();
        const { term, role } = rig.status;
        if (rig === heard) rig.receive({ kind: 'heartbeatResponse', from: 'n3', term, round: 1, leaseMs: 0 });
        else if (rig.nowMs < untilMs) expect(role).toBe('leader');
      }
    }
    expect(alone.status).toMatchObject({ role: 'follower', leaderId: null });
    expect(heard.status.role).toBe('leader');
  });

  it('L9: a leader that slept through its deadline accepts no proposal', () => {
    const rig = new Rig();
    rig.lead();
    rig.nowMs += 5_000;
    expect(rig.propose('late').proposal).toMatchObject({ accepted: false, reason: 'notLeader' });
    expect(rig.status.role).toBe('follower');
  });

  it('H5: a stall of 5 s makes one heartbeat round at most, and no campaign before the inbox was read', () => {
    const follower = new Rig();
    follower.heartbeat('n2', 1);
    follower.nowMs += 5_000;
    expect(follower.step({ kind: 'tick' }).sendNow).toEqual([]);
    expect(follower.status.role).toBe('follower');
    expect(follower.core.deadlineMs()).toBeGreaterThan(follower.nowMs);
    follower.nowMs = follower.core.deadlineMs() + 5_000;
    follower.step({ kind: 'tick' });
    expect(follower.status.role).toBe('preCandidate');

    const alone = new Rig({ voters: ['n1'] });
    alone.tick();
    alone.persist();
    alone.persist();
    alone.nowMs += 5_000;
    alone.step({ kind: 'tick' });
    expect(alone.core.deadlineMs()).toBe(alone.nowMs + timings.heartbeatMs);

    const leader = new Rig();
    leader.lead();
    leader.nowMs += 5_000;
    leader.step({ kind: 'tick' });
    expect(leader.status.role).toBe('follower');
  });
});

function sentRequest(from: string, term: number): Parameters<Rig['receive']>[0] {
  return { kind: 'voteRequest', from, term, preVote: false, lastLogIndex: 1, lastLogTerm: 1, transfer: false };
}
