import { describe, expect, it } from 'vitest';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { Rig, sent, timings } from './rig.ts';

const five = ['n1', 'n2', 'n3', 'n4', 'n5'];
const { fastElectionStepMs } = timings;

/** A follower that has heard n5 lead term 2 just now. */
function follower(id: string, voters = five): Rig {
  const rig = new Rig({ id, voters });
  rig.heartbeat('n5', 2);
  return rig;
}

function end(rig: Rig, id: string): void {
  rig.step({ kind: 'peerDown', id });
  rig.step({ kind: 'peerEnded', id });
}

describe('a leader whose process has ended', () => {
  it('is not waited for: the first voter by rank asks for pre-votes at once, the others a step later each', () => {
    const dueMs = ['n1', 'n2', 'n3', 'n4'].map((id) => {
      const rig = follower(id);
      end(rig, 'n5');
      expect(rig.status.leaderId).toBeNull();
      return rig.core.deadlineMs() - rig.nowMs;
    });
    expect(dueMs).toEqual([0, 1, 2, 3].map((rank) => rank * fastElectionStepMs));
    const rig = follower('n1');
    end(rig, 'n5');
    const effects = rig.tick();
    expect(sent(effects, 'voteRequest').filter(({ preVote }) => preVote)).toHaveLength(4);
    expect(effects.events).toContainEqual(expect.objectContaining({ reason: 'the process of n5 has ended' }));
  });

  it('is replaced when enough know of it, and the winner needs no second attempt', () => {
    const rig = follower('n1');
    end(rig, 'n5');
    rig.tick();
    for (const id of ['n2', 'n3']) rig.grant(id, true);
    rig.persist();
    for (const id of ['n2', 'n3']) rig.grant(id, false);
    expect(rig.status).toMatchObject({ role: 'leader', term: 3 });
    expect(rig.core.deadlineMs()).toBe(rig.nowMs + timings.heartbeatMs);
  });

  it('those who still hear it refuse, and the attempts end where the election timeout takes over', () => {
    const rig = follower('n1');
    const timeoutMs = rig.core.deadlineMs();
    end(rig, 'n5');
    let attempts = 0;
    for (; rig.core.deadlineMs() < timeoutMs; attempts += 1) {
      expect(sent(rig.tick(), 'voteRequest')).toHaveLength(4);
      for (const id of ['n2', 'n3', 'n4']) rig.grant(id, true, false);
      expect(rig.status).toMatchObject({ role: 'follower', term: 2 });
    }
    expect(attempts).toBeGreaterThan(2);
    expect(attempts).toBeLessThan(20);
    expect(rig.nowMs).toBeLessThan(timeoutMs);
  });

  it('a voter that heard it a moment ago refuses the pre-vote, and grants it once it knows', () => {
    const rig = follower('n2');
    expect(sent(rig.voteRequest('n1', 3, [1, 1], { preVote: true }), 'voteResponse')).toMatchObject([
      { granted: false },
    ]);
    end(rig, 'n5');
    expect(sent(rig.voteRequest('n1', 3, [1, 1], { preVote: true }), 'voteResponse')).toMatchObject([
      { granted: true },
    ]);
    // It gives way to the one that it supports.
    expect(rig.core.deadlineMs()).toBeGreaterThanOrEqual(rig.nowMs + fastElectionStepMs);
  });

  it('of two that campaign at once the first by rank refuses the other, unless that one knows more', () => {
    const [first, second] = [follower('n1'), follower('n2')];
    for (const rig of [first, second]) {
      end(rig, 'n5');
      rig.tick();
    }
    const isGranted = (rig: Rig, candidate: string, last: readonly [number, number]): boolean =>
      sent(rig.voteRequest(candidate, 3, last, { preVote: true }), 'voteResponse')[0]!.granted;
    expect(isGranted(first, 'n2', [1, 1])).toBe(false);
    expect(isGranted(second, 'n1', [1, 1])).toBe(true);
    expect(isGranted(first, 'n2', [2, 1])).toBe(true);
  });

  it('a new leader ends the attempts', () => {
    const rig = follower('n1');
    end(rig, 'n5');
    rig.heartbeat('n4', 3);
    expect(rig.core.deadlineMs()).toBeGreaterThanOrEqual(rig.nowMs + timings.electionTimeoutMinMs);
    expect(rig.status).toMatchObject({ role: 'follower', leaderId: 'n4' });
  });

  it('a split election is tried again before the timeout, but not before votes can have been written', () => {
    const rig = follower('n1');
    end(rig, 'n5');
    rig.tick();
    for (const id of ['n2', 'n3']) rig.grant(id, true);
    rig.persist();
    const beganMs = rig.nowMs;
    rig.grant('n2', false, false);
    expect(rig.status).toMatchObject({ role: 'candidate', term: 3 });
    expect(sent(rig.tick(), 'voteRequest')).toMatchObject([1, 2, 3, 4].map(() => ({ preVote: true, term: 4 })));
    expect(rig.nowMs - beganMs).toBeGreaterThanOrEqual(8 * fastElectionStepMs);
    expect(rig.nowMs - beganMs).toBeLessThan(timings.electionTimeoutMinMs);
  });
});

describe('nothing changes when', () => {
  it('the process that has ended did not lead', () => {
    const rig = follower('n1');
    const dueMs = rig.core.deadlineMs();
    end(rig, 'n4');
    expect(rig.status.leaderId).toBe('n5');
    expect(rig.core.deadlineMs()).toBe(dueMs);
  });

  it('this node leads', () => {
    const rig = new Rig();
    rig.lead();
    end(rig, 'n2');
    expect(rig.status).toMatchObject({ role: 'leader', leaderId: 'n1' });
  });

  it('this node may not campaign: it waits for those who may', () => {
    const rig = new Rig({ id: 'n9', voters: ['n1', 'n2', 'n5'] });
    rig.heartbeat('n5', 2);
    end(rig, 'n5');
    expect(sent(rig.tick(), 'voteRequest')).toEqual([]);
    expect(rig.status.role).toBe('follower');
  });
});

it('all attempts fit into the shortest election timeout of each profile, or they would only disturb it', () => {
  for (const { fastElectionStepMs: stepMs, electionTimeoutMinMs } of Object.values(timingProfiles)) {
    expect(8 * 2 * stepMs).toBeLessThan(electionTimeoutMinMs);
  }
});
