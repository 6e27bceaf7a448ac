import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY_OVERHEAD_BYTES } from '../../../node/src/raft/log.ts';
import type { Effects } from '../../../node/src/raft/core.ts';
import { Rig, sent } from './rig.ts';

describe('replication and commit', () => {
  it('R1: figure 8: an entry of an old term on a majority is not committed, and may be replaced', () => {
    const rig = new Rig({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'], log: [1, 2], term: 3 });
    rig.lead(['n2', 'n3']);
    for (const id of ['n2', 'n3', 'n4', 'n5']) expect(rig.acknowledge(id, 2).committed).toEqual([]);
    const replaced = rig.append('n5', 5, [1, 1], [3]);
    expect(replaced.persist).toMatchObject({ truncateFrom: 2, entries: [{ index: 2, term: 3 }] });
  });

  it('R2: a follower commits up to what the message verified, not to the end of its own log', () => {
    const rig = new Rig({ log: [1, 1, 1], term: 2 });
    expect(rig.append('n2', 2, [1, 1], [1], 3).committed.map(({ index }) => index)).toEqual([1, 2]);
    expect(rig.append('n2', 2, [2, 1], [2], 3).committed).toMatchObject([{ index: 3, term: 2 }]);
  });

  describe('news of a commit', () => {
    /** A leader of three whose third entry is committed by n2, and not there at n3. */
    function committed(): Rig {
      const rig = new Rig();
      rig.lead();
      rig.acknowledge('n2', 2);
      rig.acknowledge('n3', 2);
      rig.beat();
      rig.propose('x');
      rig.persist();
      expect(rig.acknowledge('n2', 3).committed).toMatchObject([{ index: 3 }]);
      return rig;
    }
    const told = (effects: Effects): readonly (readonly [string, number, number])[] =>
      sent(effects, 'appendRequest').map(({ to, commitIndex, entries }) => [to, commitIndex, entries.length]);

    it('travels with the next entries, and then nobody is told again', () => {
      const rig = committed();
      expect(told(rig.acknowledge('n3', 3))).toEqual([]);
      expect(told(rig.propose('y'))).toEqual([
        ['n2', 3, 1],
        ['n3', 3, 1],
      ]);
      rig.nowMs += 2;
      expect(told(rig.step({ kind: 'tick' }))).toEqual([]);
    });

    it('travels alone when none come for 2 ms, to each once, and to whoever has the entry only later', () => {
      const rig = committed();
      const sinceMs = rig.nowMs;
      expect(told(rig.tick())).toEqual([
        ['n2', 3, 0],
        ['n3', 3, 0],
      ]);
      expect(rig.nowMs).toBe(sinceMs + 2);
      expect(told(rig.acknowledge('n3', 3))).toEqual([]);
      expect(sent(rig.tick(), 'heartbeat')).toHaveLength(2);
    });

    it('is due 2 ms after it, whatever is acknowledged meanwhile', () => {
      const rig = committed();
      rig.nowMs += 1.5;
      rig.acknowledge('n3', 3);
      rig.nowMs += 0.5;
      expect(told(rig.step({ kind: 'tick' }))).toHaveLength(2);
    });
  });

  it('R3: a heartbeat carries no commit index beyond what its receiver is known to hold', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    expect(sent(rig.beat(), 'heartbeat')).toMatchObject([
      { to: 'n2', commitIndex: 2 },
      { to: 'n3', commitIndex: 0 },
    ]);
  });

  it('R3: a heartbeat that knows more of this log than is there names the lost disk', () => {
    const rig = new Rig();
    expect(() => rig.heartbeat('n2', 1, 4)).toThrow('the disk has lost acknowledged entries');
  });

  it('R4: an old append whose entries are all there cuts nothing off', () => {
    const rig = new Rig();
    rig.append('n2', 1, [1, 1], [1, 1, 1]);
    const effects = rig.append('n2', 1, [1, 1], [1]);
    expect(effects.persist).toBeNull();
    expect(sent(effects, 'appendResponse')).toMatchObject([{ success: true, index: 2 }]);
    expect(rig.status.lastIndex).toBe(4);
  });

  it('R5: truncation begins at the first entry that differs', () => {
    const rig = new Rig({ log: [1, 1, 2, 2] });
    const effects = rig.append('n2', 3, [1, 1], [1, 3]);
    expect(effects.persist).toMatchObject({ truncateFrom: 3, entries: [{ index: 3, term: 3 }] });
    expect(effects.events).toContainEqual({ kind: 'truncated', fromIndex: 3, term: 3 });
  });

  it('R5: nothing committed is ever truncated: such an append is a bug, and stops the node', () => {
    const rig = new Rig({ log: [1, 1, 1] });
    rig.append('n2', 1, [3, 1], [], 3);
    expect(() => rig.append('n2', 2, [1, 1], [2])).toThrow('would replace committed entry 2');
  });

  it('R6: an append without entries is refused where the logs differ', () => {
    const rig = new Rig({ log: [1, 1] });
    const effects = rig.append('n2', 2, [2, 2], []);
    expect(sent(effects, 'appendResponse')).toMatchObject([{ success: false, index: 2, hintIndex: 2, hintTerm: 1 }]);
  });

  it('R7: logs are reconciled with at most one probe per term, whatever their lengths', () => {
    const tail = fc.array(fc.integer({ min: 2, max: 6 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), tail, tail, (shared, leaderTail, followerTail) => {
        const common = Array.from({ length: shared }, () => 1);
        // Terms of the two tails are kept apart: two leaders of one term cannot exist.
        const log = [...common, ...leaderTail.map((term) => 2 * term).sort((a, b) => a - b)];
        const other = [...common, ...followerTail.map((term) => 2 * term + 1).sort((a, b) => a - b)];
        const leader = new Rig({ log, term: 20 });
        const follower = new Rig({ id: 'n2', voters: ['n1', 'n2', 'n3'], log: other, term: 20 });
        let waiting = sent(leader.lead(['n3']), 'appendRequest').filter(({ to }) => to === 'n2');
        let refusals = 0;
        for (let steps = 0; waiting.length > 0; steps += 1) {
          expect(steps).toBeLessThan(200);
          const answers = waiting.flatMap((message) => sent(follower.receive(message), 'appendResponse'));
          refusals += answers.filter(({ success }) => !success).length;
          waiting = answers.flatMap((m) => sent(leader.receive(m), 'appendRequest')).filter(({ to }) => to === 'n2');
        }
        expect(follower.status.lastIndex).toBe(log.length + 1);
        expect(refusals).toBeLessThanOrEqual(1 + new Set([...log, ...other]).size);
      }),
      { numRuns: 200 },
    );
  });

  it('R8: late, repeated and reordered answers move nothing back', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    rig.propose('a', 'b', 'c');
    rig.persist();
    rig.acknowledge('n2', 5);
    const matched = (): number | undefined => rig.status.peers.find(({ id }) => id === 'n2')?.matchIndex;
    for (const late of [rig.acknowledge('n2', 3), rig.refuse('n2', 4, 1, 1), rig.refuse('n2', 1, 0, 0)]) {
      expect(sent(late, 'appendRequest').filter(({ to }) => to === 'n2')).toEqual([]);
      expect(matched()).toBe(5);
    }
    const next = sent(rig.propose('d'), 'appendRequest').find(({ to }) => to === 'n2');
    expect(next).toMatchObject({ prevLogIndex: 5, entries: [{ index: 6 }] });
  });

  it('R9: a write that was replaced before it was durable does not count for its successor', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    const first = rig.propose('mine').persist!.ticket;
    rig.append('n3', 3, [2, 2], [3]);
    rig.tick();
    rig.grant('n2', true);
    const voted = rig.step({ kind: 'tick' });
    expect(voted.persist).toBeNull();
    // The old write of index 3 is durable now; index 3 holds another entry.
    rig.persist(first);
    rig.grant('n2', false);
    rig.grant('n3', false);
    expect(rig.status).toMatchObject({ role: 'leader', term: 4, commitIndex: 2 });
    expect(rig.acknowledge('n2', 4).committed).toEqual([]);
    expect(rig.persist().committed.map(({ index, term }) => [index, term])).toEqual([
      [3, 3],
      [4, 4],
    ]);
  });

  it('R10: a leader counts itself once its disk has the entry, also alone', () => {
    const alone = new Rig({ voters: ['n1'] });
    alone.tick();
    alone.persist();
    alone.persist();
    const effects = alone.propose('x');
    expect(effects.committed).toEqual([]);
    expect(alone.persist(effects.persist!.ticket).committed).toMatchObject([{ index: 3 }]);

    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    rig.propose('y');
    expect(rig.acknowledge('n2', 3).committed).toEqual([]);
    expect(rig.persist().committed).toMatchObject([{ index: 3 }]);
  });

  it('R10: two followers are a quorum without the disk of the leader', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    rig.propose('y');
    rig.acknowledge('n2', 3);
    expect(rig.acknowledge('n3', 3).committed).toMatchObject([{ index: 3 }]);
  });

  it('R12: a full window whose messages were all lost is probed after the next heartbeat', () => {
    const rig = new Rig({ limits: { maxInflightBytes: 1, maxAppendBytes: 1 } });
    rig.lead();
    rig.acknowledge('n2', 2);
    const first = sent(rig.propose('a', 'b'), 'appendRequest').filter(({ to }) => to === 'n2');
    expect(first.map(({ entries }) => entries.length)).toEqual([1]);
    const { term } = rig.status;
    const probe = sent(
      rig.receive({ kind: 'heartbeatResponse', from: 'n2', term, round: 1, leaseMs: 0 }),
      'appendRequest',
    );
    expect(probe).toMatchObject([{ to: 'n2', prevLogIndex: 3, entries: [] }]);
    expect(sent(rig.refuse('n2', 3, 2, 2), 'appendRequest')).toMatchObject([
      { prevLogIndex: 2, entries: [{ index: 3 }] },
    ]);
  });

  it('R13: a caught-up peer whose connection was renewed replicates again without a new entry', () => {
    const rig = new Rig();
    rig.lead();
    rig.acknowledge('n2', 2);
    rig.step({ kind: 'peerDown', id: 'n2' });
    const probes = sent(rig.meet('n2'), 'appendRequest').filter(({ to }) => to === 'n2');
    expect(probes).toMatchObject([{ prevLogIndex: 2, entries: [] }]);
    rig.acknowledge('n2', 2);
    const pipelined = [rig.propose('a'), rig.propose('b')].flatMap((effects) => sent(effects, 'appendRequest'));
    expect(pipelined.filter(({ to }) => to === 'n2').map(({ prevLogIndex }) => prevLogIndex)).toEqual([2, 3]);
  });

  it('R16: beyond the bound on uncommitted bytes proposals are busy, until some are committed', () => {
    const room = 2 * (10 + ENTRY_OVERHEAD_BYTES);
    const rig = new Rig({ limits: { maxUncommittedBytes: room } });
    rig.lead();
    rig.acknowledge('n2', 2);
    expect(rig.propose('0123456789', '0123456789').proposal).toMatchObject({ accepted: true });
    expect(rig.propose('').proposal).toEqual({ accepted: false, reason: 'busy', leaderId: 'n1' });
    rig.persist();
    rig.acknowledge('n2', 4);
    expect(rig.propose('0123456789').proposal).toMatchObject({ accepted: true });
  });

  it('R16: a proposal larger than the bound passes alone, one larger than a proposal may be does not', () => {
    const rig = new Rig({ limits: { maxUncommittedBytes: 1, maxProposalBytes: 100 } });
    rig.lead();
    rig.acknowledge('n2', 2);
    expect(rig.propose('x'.repeat(100)).proposal).toMatchObject({ accepted: true });
    expect(rig.propose('x').proposal).toMatchObject({ accepted: false, reason: 'busy' });
    expect(rig.propose('x'.repeat(101)).proposal).toMatchObject({ accepted: false, reason: 'tooLarge' });
  });

  it('R16: a new leader appends its own first entry whatever waits in its log', () => {
    const rig = new Rig({ log: [1, 1, 1], limits: { maxUncommittedBytes: 1 } });
    rig.lead();
    expect(rig.status.lastIndex).toBe(4);
    rig.acknowledge('n2', 3);
    expect(rig.propose('x').proposal).toMatchObject({ accepted: false, reason: 'notReady' });
    rig.acknowledge('n2', 4);
    expect(rig.propose('x').proposal).toMatchObject({ accepted: true, firstIndex: 5 });
  });

  it('R1: a leader takes no command before it has committed in its term, by a majority that may include itself', () => {
    const rig = new Rig();
    rig.lead();
    expect(rig.propose('too early').proposal).toEqual({ accepted: false, reason: 'notReady', leaderId: 'n1' });
    expect(rig.status.lastIndex).toBe(2);
    rig.acknowledge('n3', 2);
    expect(rig.propose('in time').proposal).toMatchObject({ accepted: true, term: 2, firstIndex: 3 });
  });

  it('H1: appends are cut at their bound, and a larger entry goes alone', () => {
    const rig = new Rig({ limits: { maxAppendBytes: 2 * (4 + ENTRY_OVERHEAD_BYTES) } });
    rig.lead();
    rig.acknowledge('n2', 2);
    const big = 'x'.repeat(500);
    const sizes = sent(rig.propose('aaaa', 'bbbb', 'cccc', big, 'dddd'), 'appendRequest')
      .filter(({ to }) => to === 'n2')
      .map(({ entries }) => entries.length);
    expect(sizes).toEqual([2, 1, 1, 1]);
  });
});
