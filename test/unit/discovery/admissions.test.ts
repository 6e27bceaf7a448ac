import { describe, expect, it } from 'vitest';
import type { Located } from '../../../node/src/discovery/founding.ts';
import {
  learnerGoneAfterMs,
  nextAdmission,
  certainAfterMs,
  type Situation,
} from '../../../node/src/node/discovery/admissions.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { Membership } from '../../../node/src/raft/types.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';

const founded = (more: Partial<Membership> = {}): Membership => ({
  ...foundedBy({ clusterId: 'x', voters: ['a', 'b', 'c'].map((id) => ({ id, incarnation: `${id}1` })), unmet: 0 }),
  ...more,
});
const newcomer = (nodeId: string, more: Partial<Located> = {}): Located => ({
  ...{ nodeId, incarnation: `${nodeId}1`, session: 's', clusterId: null, isLearner: false, address: `${nodeId}:7000` },
  ...more,
});
const connected = (nodeId: string): PeerStatus => ({
  ...{ address: `${nodeId}:7000`, expectedId: nodeId, state: 'connected', problem: null, lastHeardMs: 0 },
  identity: {
    ...{ nodeId, incarnation: `${nodeId}1`, session: 's', clusterId: 'x' },
    ...{ listedSize: 3, region: '', apiAddress: '', electionPriority: 0, isLearner: false },
  },
});
const situation = (membership: Membership | null, more: Partial<Situation> = {}): Situation => ({
  status: { leading: true, membership, nodeId: 'a' },
  ...{ isLearner: false, peers: [connected('b'), connected('c')], met: [], metMs: new Map(), awayMs: new Map() },
  ...more,
});

describe('a leader', () => {
  it('admits a node that is in no cluster yet as a learner, at the address where it answered', () => {
    const met = [newcomer('d', { address: '10.0.0.4:7000' })];
    expect(nextAdmission(situation(founded(), { met }))).toEqual({
      kind: 'addLearner',
      id: 'd',
      address: '10.0.0.4:7000',
    });
  });

  it('promotes a learner once it is connected, and only then', () => {
    const membership = founded({ learners: ['d'] });
    expect(nextAdmission(situation(membership, { met: [newcomer('d')] }))).toBeNull();
    expect(nextAdmission(situation(membership, { peers: [connected('d')] }))).toEqual({ kind: 'promote', id: 'd' });
  });

  const wantsNoVote = (id: string): PeerStatus => {
    const peer = connected(id);
    return { ...peer, identity: { ...peer.identity!, isLearner: true } };
  };

  it('never promotes who wants no vote, and takes it from who wants it no more, itself included', () => {
    const learning = situation(founded({ learners: ['d'] }), { peers: [wantsNoVote('d')] });
    expect(nextAdmission(learning)).toBeNull();
    const peers = [connected('b'), wantsNoVote('c')];
    expect(nextAdmission(situation(founded(), { peers }))).toEqual({ kind: 'demote', id: 'c' });
    expect(nextAdmission(situation(founded(), { isLearner: true }))).toEqual({ kind: 'demote', id: 'a' });
  });

  it('does not admit who belongs to another cluster, nor, while it may be on its way out, who belonged to this one', () => {
    const former = newcomer('d', { clusterId: 'x' });
    const forMs = (ms: number): Partial<Situation> => ({ met: [former], metMs: new Map([['s', ms]]) });
    expect(nextAdmission(situation(founded(), forMs(certainAfterMs - 1)))).toBeNull();
    expect(nextAdmission(situation(founded(), forMs(certainAfterMs)))).toMatchObject({ kind: 'addLearner', id: 'd' });
    const stranger = { ...forMs(certainAfterMs), met: [newcomer('d', { clusterId: 'y' })] };
    expect(nextAdmission(situation(founded(), stranger))).toBeNull();
  });

  it('removes a voter whose disk is another one, and admits it again, but not one that is away for a moment only', () => {
    const met = [newcomer('c', { incarnation: 'c2' })];
    const away = (ms: number): Partial<Situation> => ({ met, peers: [connected('b')], awayMs: new Map([['c', ms]]) });
    expect(nextAdmission(situation(founded(), away(certainAfterMs - 1)))).toBeNull();
    expect(nextAdmission(situation(founded(), away(certainAfterMs)))).toEqual({ kind: 'remove', id: 'c' });
    const without = founded({ voters: founded().voters.filter(({ id }) => id !== 'c') });
    expect(nextAdmission(situation(without, { met }))).toMatchObject({ kind: 'addLearner', id: 'c' });
  });

  it('gives a learner up that stays away', () => {
    const membership = founded({ learners: ['d'] });
    const away = (ms: number): Partial<Situation> => ({ awayMs: new Map([['d', ms]]) });
    expect(nextAdmission(situation(membership, away(learnerGoneAfterMs - 1)))).toBeNull();
    expect(nextAdmission(situation(membership, away(learnerGoneAfterMs)))).toEqual({ kind: 'remove', id: 'd' });
  });

  it('changes nothing while somebody of the founders was never met, or another change is half done', () => {
    const met = [newcomer('d')];
    expect(nextAdmission(situation(founded({ unmet: 1 }), { met }))).toBeNull();
    expect(nextAdmission(situation(founded({ outgoing: { voters: [], unmet: 0 } }), { met }))).toBeNull();
    expect(nextAdmission(situation(null, { met }))).toBeNull();
  });

  it('alone does so', () => {
    const follower = { status: { leading: false, membership: founded(), nodeId: 'a' }, met: [newcomer('d')] };
    expect(nextAdmission({ ...situation(founded()), ...follower })).toBeNull();
  });
});
