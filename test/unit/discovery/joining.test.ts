import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Located } from '../../../node/src/discovery/founding.ts';
import { type Joining, nextJoining } from '../../../node/src/discovery/joining.ts';
import type { ListedMember } from '../../../node/src/discovery/member-list.ts';

const listed = (...ids: string[]): ListedMember[] =>
  ids.map((id) => ({ id: id[0]!, address: `${id[0]!}:7000`, isLearner: id.endsWith('/learner') }));
const founders = (...ids: string[]): { id: string; address: string }[] =>
  ids.map((id) => ({ id, address: `${id}:7000` }));
const answers = (nodeId: string, clusterId: string | null = null): Located => ({
  ...{ nodeId, incarnation: `${nodeId}1`, session: nodeId, isLearner: false },
  ...{ clusterId, address: `${nodeId}:7000` },
});
const self = { nodeId: 'a', isLearner: false };

describe('a node without a log', () => {
  const view = { self, founders: founders('a', 'b', 'c'), list: listed('a', 'b', 'c'), met: [] };

  it('founds with the others of the founders, met or not', () => {
    expect(nextJoining(view)).toEqual({ kind: 'found', founding: { founders: view.founders, clusterId: null } });
  });

  it('waits until it is known who founds', () => {
    expect(nextJoining({ ...view, founders: null })).toMatchObject({ kind: 'wait' });
  });

  it('joins a cluster that a node of its list belongs to, founder or not', () => {
    const met = [answers('b', 'x')];
    const founding = { founders: view.founders, clusterId: 'x' };
    expect(nextJoining({ ...view, met })).toEqual({ kind: 'join', founding });
    const d = { nodeId: 'd', isLearner: false };
    expect(nextJoining({ ...view, self: d, list: listed('a', 'b', 'c', 'd'), met })).toEqual({
      kind: 'join',
      founding,
    });
  });

  it('does not believe whoever answers under a name that the list has elsewhere', () => {
    const met = [{ ...answers('b', 'x'), address: 'somewhere:7000' }, answers('z', 'x')];
    expect(nextJoining({ ...view, met })).toMatchObject({ kind: 'found' });
  });

  it('founds nothing where it is no founder, a learner, or not in the list as what it is', () => {
    const [d, learner] = [
      { nodeId: 'd', isLearner: false },
      { nodeId: 'd', isLearner: true },
    ];
    expect(nextJoining({ ...view, self: d, list: listed('a', 'b', 'c', 'd') })).toMatchObject({
      kind: 'wait',
      reason: 'the cluster is founded by a, b, c: waiting for its leader to admit this node',
    });
    expect(nextJoining({ ...view, self: learner, list: listed('a', 'b', 'c', 'd/learner') })).toMatchObject({
      kind: 'wait',
    });
    expect(nextJoining({ ...view, list: listed('b', 'c') })).toEqual({
      kind: 'wait',
      reason: 'the list has no "a": b, c',
    });
    expect(nextJoining({ ...view, list: listed('a/learner', 'b', 'c') })).toEqual({
      kind: 'wait',
      reason: 'the list has this node as a learner, and CLUSTER_ROLE as a voter',
    });
  });

  it('founds nothing beside others of the list that may know of a cluster, as long as they say nothing', () => {
    const list = listed('a', 'b', 'c', 'd', 'e/learner');
    expect(nextJoining({ ...view, list })).toEqual({
      kind: 'wait',
      reason: 'waiting for d, who may know of a cluster already: a, b, c found one if nobody does',
    });
    expect(nextJoining({ ...view, list, met: [answers('d')] })).toMatchObject({ kind: 'found' });
  });

  it('founds nothing once a founder was taken out of the list: the cluster was there', () => {
    expect(nextJoining({ ...view, list: listed('a', 'b') })).toEqual({
      kind: 'wait',
      reason: 'of a, b, c, who found the cluster, the list has no c as a voter: nobody founds it again',
    });
    expect(nextJoining({ ...view, list: listed('a', 'b', 'c/learner') })).toMatchObject({ kind: 'wait' });
  });

  it('is in one founding with all others, whatever list each of them has read', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const subset = fc.subarray(ids, { minLength: 1 });
    fc.assert(
      fc.property(subset, fc.array(subset, { minLength: 5, maxLength: 5 }), subset, (chosen, lists, here) => {
        const steps = ids.map((nodeId, index): Joining =>
          nextJoining({
            ...{ self: { nodeId, isLearner: false }, founders: founders(...chosen) },
            ...{ list: listed(...lists[index]!), met: here.map((id) => answers(id)) },
          }),
        );
        const found = steps.flatMap((step, index) => (step.kind === 'found' ? [{ step, id: ids[index]! }] : []));
        // One list for all: the majorities of one list have a node in common.
        for (const { step, id } of found) {
          expect(step.founding.founders.map((founder) => founder.id)).toEqual(chosen);
          expect(chosen).toContain(id);
        }
      }),
    );
  });
});
