import { describe, expect, it } from 'vitest';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import { missingMajority } from '../../../node/src/consensus/missing-majority.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';

type Status = Parameters<typeof missingMajority>[0];

const statusOf = (voters: readonly string[], unmet: number, changes: Partial<Status> = {}): Status => ({
  nodeId: 'a',
  incarnation: 'disk-a',
  leaderId: null,
  membership: foundedBy({ clusterId: 'c', voters: voters.map((id) => ({ id, incarnation: `disk-${id}` })), unmet }),
  ...changes,
});

const peer = (id: string, state: PeerStatus['state'], incarnation = `disk-${id}`): PeerStatus => ({
  address: `host-${id}:7000`,
  expectedId: id,
  identity: {
    ...{ nodeId: id, incarnation, session: 's', clusterId: null },
    ...{ listedSize: 3, region: '', apiAddress: '', electionPriority: 0, isLearner: false },
  },
  state,
  problem: null,
  lastHeardMs: null,
});

describe('a majority that is missing', () => {
  it('of two that founded for three: one is lost, and the third cannot vote though it is there', () => {
    expect(missingMajority(statusOf(['a', 'b'], 1), [peer('b', 'connecting'), peer('c', 'connected')])).toEqual({
      address: 'host-b:7000',
      reason:
        'no leader can be elected: 2 of 3 members must vote, and only "a" can; not reached: "b"; never met by a leader, and ' +
        'no voter before that: 1 of the list; start enough of them again, each with the data directory it had; if those are ' +
        'lost, see "What if a majority is lost?" in docs/consensus.md',
    });
  });

  it('of three that all met: two are lost, with the address of each', () => {
    const problem = missingMajority(statusOf(['a', 'b', 'c'], 0), [peer('b', 'connecting'), peer('c', 'connecting')]);
    expect(problem?.address).toBe('host-b:7000, host-c:7000');
    expect(problem?.reason).toMatch(/only "a" can; not reached: "b", "c"; start enough of them/);
  });

  it.each([
    ['refuses this node, or is refused', peer('b', 'refused')],
    ['took the stream of this node and has not dialled back', { ...peer('b', 'connecting'), lastHeardMs: 5 }],
    ['is not who the list says, so that no voter is known by its name', { ...peer('x', 'refused'), identity: null }],
  ])('is not known to be lost while a node answers that %s: the others may have a leader', (_, answering) => {
    const problem = missingMajority(statusOf(['a', 'b', 'c'], 0), [answering, peer('c', 'connecting')]);
    expect(problem).toEqual({
      address: answering.address,
      reason:
        'cannot tell whether there is a leader: 2 of 3 members must vote, and of them only "a" is connected; ' +
        `a node answers at ${answering.address}, but is not connected: see the problem there, or the reason among the members`,
    });
  });

  it('of a node that is no voter itself, and one that has another disk', () => {
    const reason = (status: Status, peers: readonly PeerStatus[]): string | undefined =>
      missingMajority(status, peers)?.reason;
    expect(reason(statusOf(['b', 'c'], 1), [])).toMatch(/none that is reached can; not reached: "b", "c"/);
    expect(reason(statusOf(['a', 'b'], 1), [peer('b', 'connected', 'another disk')])).toMatch(/not reached: "b"/);
  });

  it('of either set while members are being changed: a majority of the new ones alone elects nobody', () => {
    const { membership } = statusOf(['a', 'b', 'c'], 0);
    const before = ['a', 'd', 'e'].map((id) => ({ id, incarnation: `disk-${id}` }));
    const joint = { membership: { ...membership!, outgoing: { voters: before, unmet: 0 } } };
    const connected = ['b', 'c'].map((id) => peer(id, 'connected'));
    const away = ['d', 'e'].map((id) => peer(id, 'connecting'));
    const problem = missingMajority(statusOf([], 0, joint), [...connected, ...away]);
    expect(problem?.address).toBe('host-d:7000, host-e:7000');
    expect(problem?.reason).toMatch(
      /^no leader can be elected: 2 of 3 members \("a", "b", "c"\) and 2 of 3 members \("a", "d", "e"\) must vote, as members are being changed, and only "a", "b", "c" can; not reached: "d", "e";/,
    );
    expect(missingMajority(statusOf([], 0, joint), [...connected, peer('d', 'connected')])).toBeNull();
  });

  it('is none while enough voters are reached, a leader is known, or there is no cluster yet', () => {
    const alone = statusOf(['a', 'b', 'c'], 0);
    expect(missingMajority(alone, [peer('b', 'connected'), peer('c', 'connecting')])).toBeNull();
    expect(missingMajority({ ...alone, leaderId: 'b' }, [])).toBeNull();
    expect(missingMajority({ ...alone, membership: null }, [])).toBeNull();
  });
});
