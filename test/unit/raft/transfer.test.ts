import { describe, expect, it } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { Rig, sent, timings } from './rig.ts';

const { electionTimeoutMaxMs } = timings;

/** A leader of term 2 that is connected to n2 and n3 and has its first entry (index 2) on n2. */
function leader(): Rig {
  const rig = new Rig();
  for (const id of ['n2', 'n3']) rig.meet(id);
  rig.lead();
  rig.acknowledge('n2', 2);
  return rig;
}

function transfer(rig: Rig, to: string | null): Effects {
  return rig.step({ kind: 'transfer', to });
}

function failure(effects: Effects): string | undefined {
  return effects.events.find((event) => event.kind === 'transferFailed')?.reason;
}

/** A follower of n2 in term 2 whose log ends with entry 2 of that term. */
function follower(): Rig {
  const rig = new Rig();
  rig.append('n2', 2, [1, 1], [2]);
  rig.persist();
  return rig;
}

function timeoutNow(rig: Rig, last: readonly [number, number], from = 'n2', term = 2): Effects {
  return rig.receive({ kind: 'timeoutNow', from, term, lastLogIndex: last[0], lastLogTerm: last[1] });
}

describe('a transfer', () => {
  it('to a voter that has everything asks it at once', () => {
    const effects = transfer(leader(), 'n2');
    expect(sent(effects, 'timeoutNow')).toMatchObject([{ to: 'n2', term: 2, lastLogIndex: 2, lastLogTerm: 2 }]);
  });

  it('to nobody by name goes to the voter that is furthest', () => {
    expect(transfer(leader(), null).events).toContainEqual({
      ...{ kind: 'transferStarted', to: 'n2', term: 2, reason: 'it was asked to' },
    });
  });

  it('T1: a target that lags catches up first', () => {
    const rig = leader();
    expect(sent(transfer(rig, 'n3'), 'timeoutNow')).toEqual([]);
    expect(sent(rig.acknowledge('n3', 2), 'timeoutNow')).toMatchObject([{ to: 'n3' }]);
    expect(sent(rig.acknowledge('n3', 2), 'timeoutNow')).toEqual([]);
  });

  it('T1, T2: is given up after an election timeout, and proposals are taken again', () => {
    const rig = leader();
    transfer(rig, 'n3');
    const untilMs = rig.nowMs + electionTimeoutMaxMs;
    let effects = rig.propose('meanwhile');
    expect(effects.proposal).toMatchObject({ accepted: false, reason: 'transferring' });
    while (rig.nowMs < untilMs) {
      effects = rig.tick();
      rig.receive({ kind: 'heartbeatResponse', from: 'n2', term: 2, round: 1, leaseMs: 0 });
    }
    expect(rig.nowMs).toBe(untilMs);
    expect(failure(effects)).toBe('n3 did not take over within an election timeout');
    expect(rig.status.role).toBe('leader');
    expect(rig.propose('afterwards').proposal).toMatchObject({ accepted: true });
  });

  it('T2: of a leader that was deposed meanwhile leaves nothing behind', () => {
    const rig = leader();
    transfer(rig, 'n3');
    rig.heartbeat('n2', 3);
    rig.lead(['n2']);
    rig.acknowledge('n2', rig.status.lastIndex);
    expect(rig.propose('anew').proposal).toMatchObject({ accepted: true });
    expect(failure(transfer(rig, 'n3'))).toBeUndefined();
  });

  it('T4: nothing is proposed while it lasts, so the target cannot fall behind again', () => {
    const rig = leader();
    transfer(rig, 'n2');
    expect(rig.propose('racing').proposal).toMatchObject({ accepted: false, reason: 'transferring' });
    expect(rig.status.lastIndex).toBe(2);
  });

  it('T5: is refused where it makes no sense, by name', () => {
    const rig = leader();
    expect(failure(transfer(rig, 'n1'))).toBe('this node leads already');
    expect(failure(transfer(rig, 'n9'))).toBe('n9 is not a voter');
    rig.step({ kind: 'peerDown', id: 'n3' });
    expect(failure(transfer(rig, 'n3'))).toBe('n3 is not connected');
    transfer(rig, 'n2');
    expect(failure(transfer(rig, 'n2'))).toBe('a transfer to n2 is under way');
    expect(failure(transfer(follower(), 'n3'))).toBe('this node does not lead; n2 does');
    const alone = new Rig({ voters: ['n1'] });
    alone.tick();
    alone.persist();
    expect(failure(transfer(alone, null))).toBe('no other voter is connected');
  });

  it('T5: is given up at once when the connection to its target is lost', () => {
    const rig = leader();
    transfer(rig, 'n3');
    expect(failure(rig.step({ kind: 'peerDown', id: 'n3' }))).toBe('the connection to n3 was lost');
    expect(rig.propose('afterwards').proposal).toMatchObject({ accepted: true });
  });
});

describe('who is asked to take over', () => {
  it('T6: campaigns at once, without a pre-vote, and says why', () => {
    const rig = follower();
    const effects = timeoutNow(rig, [2, 2]);
    expect(sent(effects, 'voteRequest')).toMatchObject([
      { to: 'n2', term: 3, preVote: false, transfer: true },
      { to: 'n3', term: 3, preVote: false, transfer: true },
    ]);
    expect(rig.status).toMatchObject({ role: 'candidate', term: 3, votedFor: 'n1', leaderId: null });
  });

  it('T3: does not obey a message of a time when the log ended elsewhere', () => {
    for (const last of [
      [1, 1],
      [3, 2],
      [2, 1],
    ] as const) {
      expect(sent(timeoutNow(follower(), last), 'voteRequest')).toEqual([]);
    }
  });

  it('T3, T6: does not obey who does not lead, or led a term that is over', () => {
    expect(sent(timeoutNow(follower(), [2, 2], 'n3'), 'voteRequest')).toEqual([]);
    const rig = follower();
    rig.heartbeat('n3', 3);
    expect(sent(timeoutNow(rig, [2, 2]), 'voteRequest')).toEqual([]);
    expect(rig.status).toMatchObject({ role: 'follower', term: 3, leaderId: 'n3' });
  });

  it('T6: is voted for although the leader was heard a moment ago, also by the leader', () => {
    const effects = follower().voteRequest('n3', 3, [2, 2], { transfer: true });
    expect(sent(effects, 'voteResponse')).toMatchObject([{ granted: true }]);
    const old = leader();
    transfer(old, 'n2');
    expect(sent(old.voteRequest('n2', 3, [2, 2], { transfer: true }), 'voteResponse')).toMatchObject([
      { granted: true },
    ]);
    expect(old.status).toMatchObject({ role: 'follower', term: 3 });
  });

  it('T6: is not voted for in a term that the leader could not have handed over, nor with a log behind', () => {
    for (const [term, last] of [
      [5, [2, 2]],
      [3, [1, 1]],
    ] as const) {
      const rig = follower();
      const effects = rig.voteRequest('n3', term, last, { transfer: true });
      expect(sent(effects, 'voteResponse')).toMatchObject([{ granted: false }]);
      if (term === 5) expect(rig.status).toMatchObject({ term: 2, leaderId: 'n2' });
    }
  });
});
