import { describe, expect, it } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { steadyTimeouts } from '../../../node/src/raft/priority.ts';
import { Rig, sent, timings } from './rig.ts';

const { electionTimeoutMinMs, electionTimeoutMaxMs } = timings;
const steadyMs = steadyTimeouts * electionTimeoutMaxMs;

function meet(rig: Rig, id: string, priority: number): void {
  rig.step({ kind: 'peerUp', peer: { id, incarnation: `${id}-disk` }, clusterId: null, priority });
}

/** A leader of three that has committed in its term; n2 is preferred, and has everything. */
function leader(): Rig {
  const rig = new Rig();
  meet(rig, 'n2', 1);
  meet(rig, 'n3', 0);
  rig.lead();
  rig.acknowledge('n2', 2);
  return rig;
}

/** Lets time pass with both peers answering, until the leader asks one to take over; returns whom, and after how long. */
function reign(rig: Rig, forMs: number): { to: string; afterMs: number }[] {
  const beganMs = rig.nowMs;
  const asked: { to: string; afterMs: number }[] = [];
  const note = (effects: Effects): void => {
    for (const { to } of sent(effects, 'timeoutNow')) asked.push({ to, afterMs: rig.nowMs - beganMs });
  };
  while (rig.nowMs < beganMs + forMs && asked.length === 0) {
    note(rig.tick());
    for (const from of ['n2', 'n3']) {
      note(rig.receive({ kind: 'heartbeatResponse', from, term: rig.status.term, round: 1, leaseMs: 0 }));
    }
  }
  return asked;
}

describe('a leader of a lower priority', () => {
  it('hands over to a preferred voter that has everything, once both have been steady', () => {
    const rig = leader();
    const [first] = reign(rig, 2 * steadyMs);
    expect(first!.to).toBe('n2');
    expect(first!.afterMs).toBeGreaterThanOrEqual(steadyMs - timings.heartbeatMs);
    expect(first!.afterMs).toBeLessThan(steadyMs + 2 * timings.heartbeatMs);
  });

  it('says why', () => {
    const rig = leader();
    rig.nowMs += steadyMs;
    rig.receive({ kind: 'heartbeatResponse', from: 'n2', term: 2, round: 9, leaseMs: 0 });
    rig.receive({ kind: 'heartbeatResponse', from: 'n3', term: 2, round: 9, leaseMs: 0 });
    expect(rig.tick().events).toContainEqual({
      ...{ kind: 'transferStarted', to: 'n2', term: 2, reason: "its priority is 1, this node's 0" },
    });
  });

  it('keeps the lead while the preferred voter lags, and among equals', () => {
    const lags = new Rig({ voters: ['n1', 'n2', 'n3'] });
    meet(lags, 'n2', 1);
    meet(lags, 'n3', 0);
    lags.lead(['n3']);
    lags.acknowledge('n3', 2);
    expect(reign(lags, 3 * steadyMs)).toEqual([]);
    lags.acknowledge('n2', 2);
    expect(reign(lags, 3 * timings.heartbeatMs)).toMatchObject([{ to: 'n2' }]);
    const equals = new Rig({ priority: 1 });
    meet(equals, 'n2', 1);
    equals.lead();
    equals.acknowledge('n2', 2);
    expect(reign(equals, 3 * steadyMs)).toEqual([]);
  });

  it('waits longer each time for one that comes and goes, or does not take over', () => {
    const rig = leader();
    const waits: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const [asked] = reign(rig, 40 * steadyMs);
      waits.push(asked!.afterMs);
      if (round % 2 === 1) continue;
      rig.step({ kind: 'peerDown', id: 'n2' });
      meet(rig, 'n2', 1);
      rig.acknowledge('n2', 2);
    }
    // Asked and lost at once: two doublings; asked in vain: one.
    for (const [at, factor] of [1, 4, 8, 32].entries()) {
      expect(waits[at]! / steadyMs).toBeGreaterThan(0.9 * factor - 0.5);
      expect(waits[at]! / steadyMs).toBeLessThan(factor + 0.5);
    }
  });
});

describe('a follower of a lower priority', () => {
  it('gives the preferred one the first try, as long as that one is connected', () => {
    const rig = new Rig();
    meet(rig, 'n2', 1);
    rig.heartbeat('n3', 1);
    const waitMs = (): number => rig.core.deadlineMs() - rig.nowMs;
    expect(waitMs()).toBeGreaterThanOrEqual(electionTimeoutMaxMs);
    expect(waitMs()).toBeLessThanOrEqual(2 * electionTimeoutMaxMs - electionTimeoutMinMs);
    rig.step({ kind: 'peerDown', id: 'n2' });
    rig.heartbeat('n3', 1);
    expect(waitMs()).toBeLessThan(electionTimeoutMaxMs);
  });

  it('votes for anybody whose log is good, preferred or not', () => {
    const rig = new Rig({ priority: 5 });
    meet(rig, 'n2', 0);
    expect(sent(rig.voteRequest('n2', 2, [1, 1]), 'voteResponse')).toMatchObject([{ granted: true }]);
  });

  it('comes later when the process of the leader has ended', () => {
    const rankOf = (priority: number): number => {
      const rig = new Rig({ id: 'n1', priority });
      meet(rig, 'n2', 1);
      meet(rig, 'n3', 0);
      rig.heartbeat('n3', 1);
      rig.step({ kind: 'peerDown', id: 'n3' });
      rig.step({ kind: 'peerEnded', id: 'n3' });
      return (rig.core.deadlineMs() - rig.nowMs) / timings.fastElectionStepMs;
    };
    expect([rankOf(0), rankOf(1), rankOf(2)]).toEqual([1, 0, 0]);
  });
});
