import { describe, expect, it } from 'vitest';
import type { Effects } from '../../../node/src/raft/core.ts';
import { Rig, sent, timings } from './rig.ts';

function read(rig: Rig, readId: number): Effects {
  return rig.step({ kind: 'read', readId });
}

function round(effects: Effects): number {
  return sent(effects, 'heartbeat')[0]!.round;
}

function answer(rig: Rig, from: string, ofRound: number): Effects {
  return rig.receive({ kind: 'heartbeatResponse', from, term: rig.status.term, round: ofRound, leaseMs: 0 });
}

/** A leader of three that has committed its first entry (index 2). */
function leader(): Rig {
  const rig = new Rig();
  rig.lead();
  rig.acknowledge('n2', 2);
  return rig;
}

describe('a read', () => {
  it('begins a round of heartbeats at once, and sees what was committed when it arrived', () => {
    const rig = leader();
    const effects = read(rig, 1);
    expect(effects.reads).toEqual([]);
    expect(sent(effects, 'heartbeat').map(({ to }) => to)).toEqual(['n2', 'n3']);
    expect(answer(rig, 'n3', round(effects)).reads).toEqual([{ readId: 1, accepted: true, index: 2 }]);
  });

  it('of a single member is answered at once', () => {
    const rig = new Rig({ voters: ['n1'] });
    rig.tick();
    rig.persist();
    rig.persist();
    expect(read(rig, 1).reads).toEqual([{ readId: 1, accepted: true, index: 2 }]);
  });

  it('D1: waits for the first commit of a new leader', () => {
    const rig = new Rig();
    rig.lead();
    const effects = read(rig, 1);
    expect(sent(effects, 'heartbeat')).toEqual([]);
    expect(answer(rig, 'n2', 1).reads).toEqual([]);
    const committed = rig.acknowledge('n2', 2);
    expect(committed.reads).toEqual([]);
    expect(answer(rig, 'n2', round(committed)).reads).toEqual([{ readId: 1, accepted: true, index: 2 }]);
  });

  it('D2: is not confirmed by an answer to a round that began before it', () => {
    const rig = leader();
    const earlier = round(rig.beat());
    const own = round(read(rig, 1));
    expect(own).toBeGreaterThan(earlier);
    expect(answer(rig, 'n2', earlier).reads).toEqual([]);
    expect(answer(rig, 'n2', own).reads).toHaveLength(1);
  });

  it('D2, D3: many share one round, those that come meanwhile share the next, and each is answered once', () => {
    const rig = leader();
    const first = round(read(rig, 1));
    const later = [read(rig, 2), read(rig, 3), read(rig, 4)];
    expect(later.flatMap((effects) => sent(effects, 'heartbeat'))).toEqual([]);
    const second = answer(rig, 'n2', first);
    expect(second.reads.map(({ readId }) => readId)).toEqual([1]);
    expect(answer(rig, 'n3', first).reads).toEqual([]);
    const rest = answer(rig, 'n3', round(second)).reads;
    expect(rest.map(({ readId }) => readId)).toEqual([2, 3, 4]);
    expect(answer(rig, 'n2', round(second)).reads).toEqual([]);
  });

  it('is confirmed by a later round too, when the answers to its own were lost', () => {
    const rig = leader();
    read(rig, 1);
    const next = round(rig.beat());
    expect(answer(rig, 'n2', next).reads).toMatchObject([{ readId: 1, accepted: true }]);
  });

  it('L9, D2: of a leader that is deposed, or loses its quorum, is refused', () => {
    const deposed = leader();
    read(deposed, 1);
    read(deposed, 2);
    expect(deposed.heartbeat('n3', 3).reads).toEqual([
      { readId: 1, accepted: false, leaderId: 'n3' },
      { readId: 2, accepted: false, leaderId: 'n3' },
    ]);
    const lonely = leader();
    read(lonely, 1);
    lonely.nowMs += timings.electionTimeoutMaxMs;
    expect(lonely.step({ kind: 'tick' }).reads).toEqual([{ readId: 1, accepted: false, leaderId: null }]);
  });

  it('is refused by who does not lead, naming the leader', () => {
    const rig = new Rig();
    rig.heartbeat('n2', 1);
    expect(read(rig, 7).reads).toEqual([{ readId: 7, accepted: false, leaderId: 'n2' }]);
  });
});
