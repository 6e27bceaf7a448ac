import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Located } from '../../../node/src/discovery/founding.ts';
import type { ListedMember } from '../../../node/src/discovery/member-list.ts';
import type { Situation } from '../../../node/src/node/discovery/admissions.ts';
import { type Lists, nextByList } from '../../../node/src/node/discovery/list-changes.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import { majority } from '../../../node/src/raft/quorum.ts';
import type { Membership } from '../../../node/src/raft/types.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';

const listed = (...ids: string[]): ListedMember[] => ids.map((id) => ({ id, address: `${id}:7000`, isLearner: false }));
const members = (voters: readonly string[], learners: readonly string[] = []): Membership => ({
  ...foundedBy({ clusterId: 'x', voters: voters.map((id) => ({ id, incarnation: `${id}1` })), unmet: 0 }),
  learners,
});
const newcomer = (nodeId: string): Located => ({
  ...{ nodeId, incarnation: `${nodeId}1`, session: nodeId, clusterId: null, isLearner: false },
  address: `${nodeId}:7000`,
});
const connected = (nodeId: string): PeerStatus => ({
  ...{ address: `${nodeId}:7000`, expectedId: nodeId, state: 'connected', problem: null, lastHeardMs: 0 },
  identity: {
    ...{ nodeId, incarnation: `${nodeId}1`, session: 's', clusterId: 'x', listedSize: 3 },
    ...{ region: '', apiAddress: '', electionPriority: 0, isLearner: false },
  },
});
const situation = (membership: Membership, more: Partial<Situation> = {}): Situation => ({
  status: { leading: true, membership, nodeId: 'a' },
  ...{ isLearner: false, peers: ['b', 'c', 'd'].map(connected), met: [], metMs: new Map(), awayMs: new Map() },
  ...more,
});
/** What each of them says: the ids of its list, as letters. */
const saying = (lists: Readonly<Record<string, string>>): Lists =>
  new Map(Object.entries(lists).map(([id, ids]) => [id, new Set(ids)]));

describe('a leader that has a list', () => {
  const four = situation(members(['a', 'b', 'c', 'd']));
  const abc = listed('a', 'b', 'c');

  it('lets in whom its list has, where its list has it, and nobody else', () => {
    const met = [newcomer('d'), { ...newcomer('f'), address: 'elsewhere:7000' }, newcomer('e')];
    const view = { list: listed('a', 'b', 'c', 'e', 'f'), lists: new Map() };
    expect(nextByList(situation(members(['a', 'b', 'c']), { met }), view)).toEqual([
      { kind: 'addLearner', id: 'e', address: 'e:7000' },
    ]);
  });

  it('removes a voter once a majority of those that stay, itself among them, have no such node in their lists', () => {
    expect(nextByList(four, { list: abc, lists: saying({ a: 'abc' }) })).toEqual([]);
    expect(nextByList(four, { list: abc, lists: saying({ a: 'abc', b: 'abc' }) })).toEqual([
      { kind: 'remove', id: 'd' },
    ]);
  });

  it('counts no learner among those that agree, and needs a voter that stays', () => {
    const learning = situation(members(['a', 'b', 'c', 'd'], ['x', 'y']));
    const list = listed('a', 'b', 'c', 'x', 'y');
    expect(nextByList(learning, { list, lists: saying({ a: 'abcxy', x: 'abcxy', y: 'abcxy' }) })).toEqual([]);
    expect(nextByList(four, { list: listed('x', 'y'), lists: saying({ x: 'xy', y: 'xy' }) })).toEqual([]);
  });

  it('removes nobody whom one of those that stay still has in its list: whose is older cannot be told', () => {
    const lists = saying({ a: 'abc', b: 'abc', c: 'abcd' });
    expect(nextByList(four, { list: abc, lists })).toEqual([]);
  });

  it('gives nothing on the word of the one that is to go, which nobody tells', () => {
    const lists = saying({ a: 'abc', b: 'abc', d: 'abcd' });
    expect(nextByList(four, { list: abc, lists })).toEqual([{ kind: 'remove', id: 'd' }]);
  });

  it('removes itself, too, where the others agree that it goes', () => {
    const list = listed('b', 'c', 'd');
    expect(nextByList(four, { list, lists: saying({ b: 'bcd', c: 'bcd' }) })).toEqual([{ kind: 'remove', id: 'a' }]);
  });

  it('takes a learner that is to go out before it could become a voter', () => {
    const learning = situation(members(['a', 'b', 'c'], ['d']));
    const lists = saying({ a: 'abc', b: 'abc' });
    expect(nextByList(learning, { list: abc, lists })).toEqual([{ kind: 'remove', id: 'd' }]);
  });

  it('wants to let somebody in before it removes somebody, and either if the other cannot be', () => {
    const met = [newcomer('e')];
    const view = { list: listed('a', 'b', 'c', 'e'), lists: saying({ a: 'abce', b: 'abce' }) };
    expect(nextByList(situation(members(['a', 'b', 'c', 'd']), { met }), view).map(({ kind }) => kind)).toEqual([
      'addLearner',
      'remove',
    ]);
  });

  it('does nothing by a list that was never read, or while it may change nothing', () => {
    const lists = saying({ a: 'abc', b: 'abc', c: 'abc' });
    expect(nextByList(four, { list: null, lists })).toEqual([]);
    const following = situation(members(['a', 'b', 'c', 'd']), {
      status: { leading: false, membership: members(['a', 'b', 'c', 'd']), nodeId: 'a' },
    });
    expect(nextByList(following, { list: abc, lists })).toEqual([]);
  });

  it('never removes whom its list has, nor without a majority of those that stay, nor against the word of one of them', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const subset = fc.subarray(ids);
    fc.assert(
      fc.property(
        fc.subarray(ids, { minLength: 1 }),
        fc.subarray(ids, { minLength: 1 }),
        fc.dictionary(fc.constantFrom(...ids), subset),
        (voters, inList, said) => {
          const lists: Lists = new Map(Object.entries(said).map(([id, list]) => [id, new Set(list)]));
          const changes = nextByList(situation(members(voters)), { list: listed(...inList), lists });
          for (const change of changes.filter(({ kind }) => kind === 'remove')) {
            const staying = voters.filter((id) => inList.includes(id));
            const agree = staying.filter((id) => lists.get(id)?.has(change.id) === false);
            expect(inList).not.toContain(change.id);
            expect(staying.length).toBeGreaterThan(0);
            expect(agree.length).toBeGreaterThanOrEqual(majority(staying.length));
            for (const id of inList) expect(lists.get(id)?.has(change.id)).not.toBe(true);
          }
          expect(changes.filter(({ kind }) => kind === 'remove').length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
