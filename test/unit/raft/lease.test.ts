import { describe, expect, it } from 'vitest';
import type { Effects, ReadOutcome } from '../../../node/src/raft/core.ts';
import { Rig, sent, timings } from './rig.ts';

const { electionTimeoutMinMs: leaseMs, electionTimeoutMaxMs } = timings;
const lease = { maxClockDriftPpm: 10_000 };
/** A hundredth less for the clocks of the voters, a hundredth less for the leader's own. */
const heldMs = (leaseMs * 0.99) / 1.01;

let lastReadId = 0;
const readByLease = (rig: Rig): readonly ReadOutcome[] =>
  rig.step({ kind: 'read', readId: ++lastReadId, byLease: true }).reads;

/** A leader of three that has committed its first entry. */
function leader(): Rig {
  const rig = new Rig({ lease });
  for (const id of ['n2', 'n3']) rig.meet(id);
  rig.nowMs += electionTimeoutMaxMs;
  rig.lead();
  rig.acknowledge('n2', 2);
  return rig;
}

const promise = (rig: Rig, from: string, round: number, promisedMs: number = leaseMs): Effects =>
  rig.receive({ kind: 'heartbeatResponse', from, term: rig.status.term, round, leaseMs: promisedMs });

const round = (effects: Effects): number => sent(effects, 'heartbeat')[0]!.round;

describe('a leader with a lease', () => {
  it('answers at once, and asks nobody, until the lease ends that began when the round was sent', () => {
    const rig = leader();
    const beat = rig.beat();
    expect(sent(beat, 'heartbeat')).toMatchObject([{ leaseMs }, { leaseMs }]);
    const sentMs = rig.nowMs;
    rig.nowMs += 40;
    promise(rig, 'n3', round(beat));
    expect(readByLease(rig)).toMatchObject([{ accepted: true, index: 2 }]);
    rig.nowMs = sentMs + heldMs - 0.01;
    expect(readByLease(rig)).toHaveLength(1);
    rig.nowMs = sentMs + heldMs;
    expect(readByLease(rig)).toEqual([]);
  });

  it('asks a quorum all the same without one: an answer that promises less, or an old round, gives none', () => {
    const rig = leader();
    const first = round(rig.beat());
    promise(rig, 'n2', first, leaseMs - 1);
    expect(readByLease(rig)).toEqual([]);
    const fresh = leader();
    const early = round(fresh.beat());
    fresh.nowMs += heldMs;
    promise(fresh, 'n2', early);
    expect(readByLease(fresh)).toEqual([]);
  });

  it('needs the promise of a quorum', () => {
    const rig = new Rig({ lease, voters: ['n1', 'n2', 'n3', 'n4', 'n5'] });
    rig.nowMs += electionTimeoutMaxMs;
    rig.lead(['n2', 'n3']);
    rig.acknowledge('n2', 2);
    rig.acknowledge('n3', 2);
    const beat = round(rig.beat());
    promise(rig, 'n2', beat);
    expect(readByLease(rig)).toEqual([]);
    promise(rig, 'n5', beat);
    const answers = readByLease(rig);
    expect(answers).toHaveLength(1);
  });

  it('D1: does not answer by it before its first commit', () => {
    const rig = new Rig({ lease });
    rig.nowMs += electionTimeoutMaxMs;
    rig.lead();
    promise(rig, 'n2', round(rig.beat()));
    expect(readByLease(rig)).toEqual([]);
  });

  it('D5: holds none once it has asked another to campaign, nor later in its term when that came to nothing', () => {
    const rig = leader();
    promise(rig, 'n3', round(rig.beat()));
    expect(readByLease(rig)).toHaveLength(1);
    rig.step({ kind: 'transfer', to: 'n2' });
    expect(readByLease(rig)).toEqual([]);
    rig.step({ kind: 'peerDown', id: 'n2' });
    const beat = rig.beat();
    expect(sent(beat, 'heartbeat')).toMatchObject([{ leaseMs: 0 }, { leaseMs: 0 }]);
    promise(rig, 'n3', round(beat));
    expect(readByLease(rig).filter(({ readId }) => readId === lastReadId)).toEqual([]);
  });

  it('D5: keeps it while the target of a transfer catches up: nobody was asked to campaign yet', () => {
    const rig = leader();
    rig.step({ kind: 'transfer', to: 'n3' });
    promise(rig, 'n2', round(rig.beat()));
    expect(readByLease(rig)).toHaveLength(1);
    rig.acknowledge('n3', 2);
    expect(readByLease(rig)).toEqual([]);
  });
});

/** A follower of n2 in term 1 that has promised a lease just now. */
function promising(): Rig {
  const rig = new Rig({ lease });
  rig.nowMs += electionTimeoutMaxMs;
  rig.receive({ kind: 'heartbeat', from: 'n2', term: 1, commitIndex: 0, round: 1, leaseMs });
  return rig;
}

const voteOf = (effects: Effects): object => sent(effects, 'voteResponse')[0]!;

describe('a voter that has promised a lease', () => {
  it('says so in its answer, and only where it was opened to', () => {
    const rig = new Rig({ lease });
    const beat = { kind: 'heartbeat', from: 'n2', term: 1, commitIndex: 0, round: 1, leaseMs } as const;
    expect(sent(rig.receive(beat), 'heartbeatResponse')).toMatchObject([{ round: 1, leaseMs }]);
    const without = new Rig();
    expect(sent(without.receive(beat), 'heartbeatResponse')).toMatchObject([{ round: 1, leaseMs: 0 }]);
    const tooLong = { ...beat, leaseMs: electionTimeoutMaxMs + 1 };
    expect(sent(rig.receive(tooLong), 'heartbeatResponse')).toMatchObject([{ leaseMs: 0 }]);
  });

  it('votes for nobody else before it has run out, whatever it hears of the leader', () => {
    for (const preVote of [true, false]) {
      const rig = promising();
      rig.step({ kind: 'peerDown', id: 'n2' });
      rig.step({ kind: 'peerEnded', id: 'n2' });
      rig.nowMs += leaseMs - 1;
      expect(voteOf(rig.voteRequest('n3', 2, [1, 1], { preVote }))).toMatchObject({
        ...{ granted: false, reason: 'a read lease is promised to n2' },
      });
      expect(rig.status.term).toBe(1);
      rig.nowMs += 1;
      expect(voteOf(rig.voteRequest('n3', 2, [1, 1], { preVote }))).toMatchObject({ granted: true });
    }
  });

  it('does not campaign before either, also when the process of the leader has ended', () => {
    const rig = promising();
    const promisedMs = rig.nowMs;
    rig.step({ kind: 'peerDown', id: 'n2' });
    rig.step({ kind: 'peerEnded', id: 'n2' });
    let effects = rig.tick();
    while (sent(effects, 'voteRequest').length === 0) effects = rig.tick();
    expect(rig.nowMs).toBeGreaterThanOrEqual(promisedMs + leaseMs);
    expect(rig.nowMs).toBeLessThanOrEqual(promisedMs + leaseMs + timings.fastElectionStepMs);
  });

  it('votes for the one it was promised to, who leads no more if it asks; and for whom that one hands over to', () => {
    expect(voteOf(promising().voteRequest('n2', 2, [1, 1]))).toMatchObject({ granted: true });
    expect(voteOf(promising().voteRequest('n3', 2, [1, 1], { transfer: true }))).toMatchObject({ granted: true });
    const asked = promising();
    const effects = asked.receive({ kind: 'timeoutNow', from: 'n2', term: 1, lastLogIndex: 1, lastLogTerm: 1 });
    expect(sent(effects, 'voteRequest')).toHaveLength(2);
  });
});

describe('a voter that has just started', () => {
  it('keeps silent for as long as a lease may be that it promised before, and campaigns soon after', () => {
    const rig = new Rig({ lease });
    const startedMs = rig.nowMs;
    rig.nowMs = startedMs + electionTimeoutMaxMs - 1;
    expect(voteOf(rig.voteRequest('n3', 2, [1, 1]))).toMatchObject({ granted: false });
    expect(sent(rig.step({ kind: 'tick' }), 'voteRequest')).toEqual([]);
    let effects = rig.tick();
    while (sent(effects, 'voteRequest').length === 0) effects = rig.tick();
    expect(rig.nowMs).toBeGreaterThanOrEqual(startedMs + electionTimeoutMaxMs);
    expect(rig.nowMs).toBeLessThanOrEqual(startedMs + 2 * electionTimeoutMaxMs);
  });

  it('does not wait where it has never lived before, or no leases are held', () => {
    const unborn = new Rig({ lease, log: [], voters: ['n1', 'n2', 'n3'] });
    unborn.meet('n3');
    expect(voteOf(unborn.voteRequest('n3', 1, [0, 0]))).toMatchObject({ granted: true });
    expect(voteOf(new Rig().voteRequest('n3', 2, [1, 1]))).toMatchObject({ granted: true });
  });
});
