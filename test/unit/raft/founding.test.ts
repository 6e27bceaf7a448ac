import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../../node/src/lib/invariant.ts';
import { decodeMembership, encodeMembership, foundedBy } from '../../../node/src/raft/membership.ts';
import { emptyHardState } from '../../../node/src/raft/types.ts';
import { command, Rig, sent } from './rig.ts';

function unfounded(listedSize = 3, id = 'n1'): Rig {
  return new Rig({ id, log: [], listedSize });
}

function found(rig: Rig, met: readonly string[]): void {
  for (const id of met) rig.meet(id);
  rig.lead(met);
}

describe('founding', () => {
  it('nobody campaigns before a majority of the list was met', () => {
    const rig = unfounded(5);
    rig.meet('n2');
    for (let round = 0; round < 5; round += 1) expect(rig.tick().sendNow).toEqual([]);
    rig.meet('n3');
    expect(sent(rig.tick(), 'voteRequest').map(({ to }) => to)).toEqual(['n2', 'n3']);
  });

  it('the first entry of the first leader binds itself and the members met, and counts the others as unmet', () => {
    const rig = unfounded(3);
    rig.meet('n2');
    rig.campaign(['n2']);
    const effects = rig.grant('n2', false);
    const entry = effects.persist!.entries[0]!;
    expect(entry).toMatchObject({ index: 1, term: 1, kind: 'membership' });
    const membership = foundedBy({ clusterId: 'by-n1', voters: ['n1', 'n2'].map(member), unmet: 1 });
    expect(decodeMembership(entry.data)).toEqual(membership);
    expect(effects.events).toContainEqual({ kind: 'membershipChanged', membership, index: 1 });
    expect(rig.status.membership).toEqual(membership);
  });

  it('a cluster of one founds itself', () => {
    const rig = unfounded(1);
    rig.tick();
    rig.persist();
    expect(rig.persist().committed).toMatchObject([{ index: 1, kind: 'membership' }]);
    expect(rig.status).toMatchObject({ role: 'leader', committedInTerm: true });
    expect(rig.core.deadlineMs()).toBeLessThan(Infinity);
  });

  it('votes of peers without a handshake do not count, nor of more peers than are listed', () => {
    const rig = unfounded(3);
    rig.meet('n2');
    rig.campaign(['n2']);
    rig.grant('n3', false);
    expect(rig.status.role).toBe('candidate');
    rig.meet('n3');
    const extra = rig.meet('n4');
    expect(extra.events).toMatchObject([
      { kind: 'peerRefused', id: 'n4', reason: expect.stringContaining('give all nodes the list') as string },
    ]);
    rig.grant('n4', false);
    expect(rig.status.role).toBe('candidate');
    rig.grant('n3', false);
    expect(rig.status.role).toBe('leader');
  });

  it('M2: a founding entry that was not committed is rolled back with its membership', () => {
    const rig = unfounded(3);
    found(rig, ['n2']);
    const data = encodeMembership({ clusterId: 'by-n3', voters: ['n2', 'n3'].map(member), unmet: 1 });
    const entries = [{ index: 1, term: 2, kind: 'membership' as const, data }];
    rig.receive({
      kind: 'appendRequest',
      from: 'n3',
      term: 2,
      prevLogIndex: 0,
      prevLogTerm: 0,
      entries,
      commitIndex: 0,
    });
    expect(rig.status.membership).toMatchObject({ clusterId: 'by-n3', unmet: 1 });
    // Not bound by it, this node waits for an entry of its own.
    rig.tick();
    rig.tick();
    expect(rig.status).toMatchObject({ role: 'follower', leaderId: null });
  });

  it('M14: a node with an empty log that met a founded cluster neither founds nor helps to found', () => {
    const rig = unfounded(3);
    rig.meet('n2', 'c1');
    rig.meet('n3');
    for (let round = 0; round < 5; round += 1) expect(rig.tick().sendNow).toEqual([]);
    expect(sent(rig.voteRequest('n3', 1, [0, 0]), 'voteResponse')).toMatchObject([{ granted: false }]);
    expect(sent(rig.voteRequest('n2', 2, [3, 1]), 'voteResponse')).toMatchObject([{ granted: true }]);
  });

  it('M14: that it met a founded cluster outlives a restart, after which that cluster may be out of reach', () => {
    const { persist } = unfounded(3).meet('n2', 'c1');
    expect(persist?.hardState).toEqual({ ...emptyHardState, foundedElsewhere: true });
    const restarted = new Rig({ log: [], listedSize: 3, ...persist!.hardState });
    restarted.meet('n3');
    for (let round = 0; round < 5; round += 1) expect(restarted.tick().sendNow).toEqual([]);
    expect(sent(restarted.voteRequest('n3', 1, [0, 0]), 'voteResponse')).toMatchObject([{ granted: false }]);
    expect(restarted.voteRequest('n2', 2, [3, 1]).persist?.hardState).toMatchObject({ foundedElsewhere: true });
  });

  it('M14: a commit that it hears of tells it too, though the connection is older than the founding', () => {
    const rig = unfounded(3);
    rig.meet('n2');
    rig.append('n2', 1, [4, 1], [], 0);
    const { persist } = rig.append('n2', 1, [4, 1], [], 1);
    expect(persist?.hardState).toMatchObject({ foundedElsewhere: true });
    expect(rig.append('n2', 1, [4, 1], [], 1).persist).toBeNull();
  });

  it('a new leader of a founded cluster begins with a noop', () => {
    const rig = new Rig();
    rig.campaign();
    expect(rig.grant('n2', false).persist?.entries).toMatchObject([{ kind: 'noop', index: 2 }]);
  });
});

describe('the membership in the log', () => {
  const valid = foundedBy({ clusterId: 'c1', voters: [member('n1')], unmet: 0 });
  const decode = (value: unknown): unknown => decodeMembership(new TextEncoder().encode(JSON.stringify(value)));

  it('is read as it was written', () => {
    expect(decodeMembership(encodeMembership(valid))).toEqual(valid);
    const outgoing = { voters: [member('n3')], unmet: 0 };
    const joint = { ...valid, learners: ['n2'], outgoing, addresses: { n2: 'host:7000' } };
    expect(decodeMembership(encodeMembership(joint))).toEqual(joint);
  });

  it.each([
    ['voters of a kind this program does not count', { ...valid, witnesses: [member('n2')] }],
    ['learners that are no names', { ...valid, learners: [member('n2')] }],
    ['half a set of outgoing voters', { ...valid, outgoing: { voters: [member('n2')] } }],
    ['an address that is none', { ...valid, addresses: { n1: 7000 } }],
    ['a member with more than this program knows', { ...valid, voters: [{ ...member('n1'), role: 'learner' }] }],
    ['a negative number of unmet members', { ...valid, unmet: -1 }],
    ['no voters', { ...valid, voters: undefined }],
  ])('is refused with %s: counted in part, it would give another quorum', (_what, value) => {
    expect(() => decode(value)).toThrow(InvariantViolation);
  });
});

describe('a listed member met later', () => {
  it('receives the log at once, and is bound once the leader has committed in its term', () => {
    const rig = unfounded(3);
    found(rig, ['n2']);
    const probe = sent(rig.meet('n3'), 'appendRequest');
    expect(probe).toMatchObject([{ to: 'n3' }]);
    expect(rig.status.membership?.unmet).toBe(1);
    const effects = rig.acknowledge('n2', 1);
    expect(effects.committed).toMatchObject([{ index: 1 }]);
    expect(effects.persist?.entries).toMatchObject([{ index: 2, kind: 'membership' }]);
    expect(rig.status.membership).toMatchObject({ unmet: 0, voters: ['n1', 'n2', 'n3'].map(member) });
  });

  it('does not count before it is bound: neither its acknowledgements nor its votes', () => {
    const rig = new Rig({ voters: ['n1', 'n2'], unmet: 1 });
    rig.lead();
    rig.meet('n3');
    expect(rig.acknowledge('n3', 2).committed).toEqual([]);
    expect(rig.acknowledge('n2', 2).committed).toMatchObject([{ index: 1 }, { index: 2 }]);
    const candidate = new Rig({ voters: ['n1', 'n2'], unmet: 1 });
    candidate.meet('n3');
    expect(sent(candidate.tick(), 'voteRequest').map(({ to }) => to)).toEqual(['n2']);
    candidate.grant('n3', true);
    expect(candidate.status.role).toBe('preCandidate');
  });

  it('M1: one at a time, the next when the one before is committed', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3'], unmet: 2 });
    rig.lead(['n2', 'n3']);
    for (const id of ['n4', 'n5']) rig.meet(id);
    for (const id of ['n2', 'n3']) rig.acknowledge(id, 2);
    expect(rig.status.membership?.unmet).toBe(1);
    rig.persist();
    rig.acknowledge('n2', 3);
    expect(rig.status.membership?.unmet).toBe(1);
    rig.acknowledge('n3', 3);
    expect(rig.status.membership?.unmet).toBe(0);
    expect(rig.status.membership?.voters.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']);
  });

  it('a node that is not bound yet never campaigns, and follows', () => {
    const rig = new Rig({ id: 'n3', voters: ['n1', 'n2'], unmet: 1 });
    rig.heartbeat('n1', 1);
    for (let round = 0; round < 3; round += 1) expect(rig.tick().sendNow).toEqual([]);
    expect(rig.status).toMatchObject({ role: 'follower', leaderId: null });
  });
});

describe('a listed member that loses its disk before it is bound', () => {
  it('R14, M9: what the lost disk acknowledged does not count for the new one, which gets the log from its beginning', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3'], unmet: 2, log: [1, 1, 1] });
    rig.lead(['n2', 'n3']);
    rig.meet('n4');
    rig.acknowledge('n4', 4);
    rig.meet('n4', null, 'a new disk');
    for (const id of ['n2', 'n3']) rig.acknowledge(id, 4);
    rig.persist();
    expect(rig.status.membership?.voters.at(-1)).toEqual({ id: 'n4', incarnation: 'a new disk' });
    expect(rig.status.peers.find(({ id }) => id === 'n4')).toMatchObject({ matchIndex: 0 });
    // Of five, this node and n2 are two: with what the lost disk held, they would be taken for three.
    expect(rig.acknowledge('n2', 5).committed).toEqual([]);
    rig.tick();
    const { term } = rig.status;
    const from = { from: 'n4', term } as const;
    rig.receive({ kind: 'heartbeatResponse', ...from, round: 1, leaseMs: 0 }, 'a new disk');
    const refusal = { kind: 'appendResponse', success: false, hintIndex: 0, hintTerm: 0 } as const;
    const repaired = rig.receive({ ...refusal, ...from, index: 4 }, 'a new disk');
    expect(sent(repaired, 'appendRequest')).toMatchObject([{ to: 'n4', prevLogIndex: 0 }]);
  });

  it('a vote of the lost disk does not help to found a cluster that binds the new one', () => {
    const rig = unfounded(5);
    for (const id of ['n2', 'n3', 'n4']) rig.meet(id);
    rig.campaign(['n2', 'n3']);
    rig.grant('n2', false);
    rig.meet('n2', null, 'a new disk');
    rig.grant('n3', false);
    expect(rig.status.role).toBe('candidate');
    rig.grant('n4', false);
    expect(rig.status.role).toBe('leader');
  });
});

describe('a member with another incarnation', () => {
  it('M9: is refused at its handshake, and sent nothing', () => {
    const rig = new Rig();
    rig.lead();
    const refused = rig.meet('n3', null, 'a new disk');
    const reason = expect.stringContaining('start it with the data directory it had (if that is lost') as string;
    expect(refused.events).toMatchObject([{ kind: 'peerRefused', id: 'n3', reason }]);
    expect(sent(rig.tick(), 'heartbeat').map(({ to }) => to)).toEqual(['n2']);
    rig.meet('n3');
    expect(sent(rig.tick(), 'heartbeat').map(({ to }) => to)).toEqual(['n2', 'n3']);
  });

  it('M13: a peer of another cluster is not heard, whatever was on its way when it was refused', () => {
    const rig = new Rig({ log: [1, 1], term: 1 });
    rig.heartbeat('n2', 1, 1);
    const refused = rig.meet('n3', 'another cluster');
    expect(refused.events).toMatchObject([{ kind: 'peerRefused', id: 'n3' }]);
    rig.append('n3', 9, [2, 1], [9], 3);
    expect(rig.status).toMatchObject({ term: 1, leaderId: 'n2', lastIndex: 2 });
    rig.meet('n3', 'c1');
    rig.append('n3', 9, [2, 1], [9]);
    expect(rig.status).toMatchObject({ term: 9, leaderId: 'n3', lastIndex: 3 });
  });

  it('M13: a stranger that was let in while the founding could be undone is refused once it cannot', () => {
    const rig = new Rig({ log: [1, 1], term: 1 });
    expect(rig.meet('n3', 'another cluster').events).toEqual([]);
    expect(rig.meet('n4').events).toEqual([]);
    const certain = rig.heartbeat('n2', 1, 1);
    expect(certain.events.filter(({ kind }) => kind === 'peerRefused')).toMatchObject([
      { id: 'n3', reason: expect.stringMatching(/another cluster.*: start it with the data directory/) as string },
      { id: 'n4', reason: expect.stringMatching(/no place.*: give all nodes the list/) as string },
    ]);
    expect(rig.heartbeat('n2', 1, 2).events.filter(({ kind }) => kind === 'peerRefused')).toEqual([]);
  });

  it('M9: none of its words count, and it is named once', () => {
    const rig = new Rig();
    rig.campaign();
    const vote = {
      kind: 'voteResponse',
      from: 'n3',
      term: 2,
      preVote: false,
      requestTerm: 2,
      granted: true,
      reason: '',
    };
    const first = rig.receive({ ...vote, kind: 'voteResponse' }, 'a new disk');
    expect(first.events).toMatchObject([{ kind: 'peerRefused', id: 'n3' }]);
    expect(rig.receive({ ...vote, kind: 'voteResponse' }, 'a new disk').events).toEqual([]);
    expect(rig.status.role).toBe('candidate');
    rig.receive({ kind: 'heartbeatResponse', from: 'n3', term: 50, round: 1, leaseMs: 0 }, 'a new disk');
    expect(rig.status.term).toBe(2);
  });

  it('M9: a leader refuses it by name, whatever it claims: nobody can be admitted without the leader', () => {
    const rig = new Rig();
    rig.lead();
    expect(rig.meet('n3', 'c1', 'a new disk').events).toMatchObject([{ kind: 'peerRefused', id: 'n3' }]);
  });

  it('M9: one that this cluster has admitted again may lead who does not know of that yet, and gets its vote, but does not count', () => {
    const rig = new Rig({ log: [1, 1], term: 1 });
    expect(rig.meet('n3', 'c1', 'a new disk').events).toEqual([]);
    const from = { from: 'n3', term: 4 } as const;
    const asked = {
      ...from,
      kind: 'voteRequest',
      preVote: false,
      lastLogIndex: 9,
      lastLogTerm: 3,
      transfer: false,
    } as const;
    expect(sent(rig.receive(asked, 'a new disk'), 'voteResponse')).toMatchObject([{ granted: true }]);
    // The name is all that is remembered of a vote: another disk of it may have had it.
    expect(sent(rig.receive(asked, 'a new disk'), 'voteResponse')).toMatchObject([{ granted: false }]);
    rig.receive({ ...from, kind: 'heartbeat', commitIndex: 0, round: 1, leaseMs: 0 }, 'a new disk');
    expect(rig.status).toMatchObject({ term: 4, leaderId: 'n3' });
    const entries = [{ index: 3, term: 3, kind: 'command' as const, data: command('x') }];
    const append = {
      ...from,
      kind: 'appendRequest',
      prevLogIndex: 2,
      prevLogTerm: 1,
      entries,
      commitIndex: 3,
    } as const;
    rig.receive(append, 'a new disk');
    expect(rig.status).toMatchObject({ lastIndex: 3, commitIndex: 3 });

    rig.campaign([]);
    const { term } = rig.status;
    const vote = {
      kind: 'voteResponse',
      from: 'n3',
      term,
      preVote: true,
      requestTerm: term + 1,
      granted: true,
      reason: '',
    } as const;
    expect(rig.receive(vote, 'a new disk').events).toEqual([]);
    expect(rig.status.role).toBe('preCandidate');
  });

  it('a node that finds its own name bound to another disk never campaigns', () => {
    const rig = unfounded(3);
    for (const id of ['n2', 'n3']) rig.meet(id);
    const voters = [{ id: 'n1', incarnation: 'the disk before' }, member('n2'), member('n3')];
    const data = encodeMembership({ clusterId: 'c1', voters, unmet: 0 });
    const entries = [{ index: 1, term: 1, kind: 'membership' as const, data }];
    rig.receive({
      kind: 'appendRequest',
      from: 'n2',
      term: 1,
      prevLogIndex: 0,
      prevLogTerm: 0,
      entries,
      commitIndex: 1,
    });
    for (let round = 0; round < 3; round += 1) expect(rig.tick().sendNow).toEqual([]);
    expect(rig.status.role).toBe('follower');
  });
});

function member(id: string): { id: string; incarnation: string } {
  return { id, incarnation: `${id}-disk` };
}
