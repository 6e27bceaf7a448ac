import { describe, expect, it } from 'vitest';
import { Rig, sent, timings } from './rig.ts';

const { electionTimeoutMaxMs, heartbeatMs } = timings;

/** Lets time pass with heartbeats answered, and the disk silent. */
function pass(rig: Rig, ms: number): void {
  for (const untilMs = rig.nowMs + ms; rig.nowMs < untilMs && rig.status.role === 'leader';) {
    const [beat] = sent(rig.tick(), 'heartbeat');
    if (beat === undefined) continue;
    for (const from of ['n2', 'n3']) {
      rig.receive({ kind: 'heartbeatResponse', from, term: beat.term, round: beat.round, leaseMs: 0 });
    }
  }
}

describe('L10: a disk that hangs', () => {
  it('costs the leadership after the longest election timeout, although the heartbeats flow', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    rig.propose('never written');
    const sinceMs = rig.nowMs;
    pass(rig, electionTimeoutMaxMs - heartbeatMs);
    expect(rig.status.role).toBe('leader');
    pass(rig, 2 * heartbeatMs);
    expect(rig.status).toMatchObject({ role: 'follower', leaderId: null });
    expect(rig.nowMs).toBe(sinceMs + electionTimeoutMaxMs);
  });

  it('costs nothing while it answers in time, however much it is given', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    for (let round = 0; round < 20; round += 1) {
      const ticket = rig.propose('a').persist!.ticket;
      pass(rig, 0.3 * electionTimeoutMaxMs);
      rig.propose('b');
      pass(rig, 0.3 * electionTimeoutMaxMs);
      rig.persist(ticket);
      rig.persist();
    }
    expect(rig.status.role).toBe('leader');
  });

  it('keeps a node from campaigning until it answers', () => {
    const rig = new Rig();
    rig.append('n2', 1, [1, 1], [1]);
    for (let round = 0; round < 5; round += 1) {
      rig.nowMs += electionTimeoutMaxMs;
      expect(sent(rig.tick(), 'voteRequest')).toEqual([]);
    }
    rig.persist();
    expect(sent(rig.tick(), 'voteRequest')).not.toEqual([]);
  });

  it('refuses a proposal that comes before the tick that would have noticed', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    rig.propose('never written');
    rig.nowMs += electionTimeoutMaxMs;
    expect(rig.propose('too late').proposal).toMatchObject({ accepted: false, reason: 'notLeader' });
  });
});
