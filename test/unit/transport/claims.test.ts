import { describe, expect, it } from 'vitest';
import { type Claim, judgeAnswer, judgeClaim } from '../../../node/src/transport/peer/claims.ts';
import { Places } from '../../../node/src/transport/peer/place.ts';
import type { PeerIdentity } from '../../../node/src/transport/transport.ts';

const identity = (nodeId: string, session = 's1'): PeerIdentity => ({
  nodeId,
  incarnation: `disk-${nodeId}`,
  session,
  clusterId: null,
  listedSize: 3,
  region: '',
  apiAddress: '',
  electionPriority: 0,
  isLearner: false,
});

/** Node a's list of the others; `proven` are those whose listed address was reached, by position. */
function placesOf(ids: readonly (string | null)[], proven: readonly (PeerIdentity | null)[] = []): Places {
  const places = new Places(ids.map((id, index) => ({ id, host: `host-${index}`, port: 7000 })));
  for (const [index, peer] of proven.entries()) {
    if (peer !== null) places.all[index]!.dialled({ identity: peer, lastHeardMs: 0 });
  }
  return places;
}

const claimOf = (nodeId: string, changes: Partial<Claim> = {}): Claim => ({
  self: 'a',
  claimant: { identity: identity(nodeId), remote: '10.0.0.9:41000' },
  earlier: null,
  openPeers: 0,
  ...changes,
});

describe('who may hold an id that dials us', () => {
  it('the process that answers at its listed address, and one whose address was not reached yet', () => {
    expect(judgeClaim(placesOf(['b', 'c'], [identity('b')]), claimOf('b'))).toEqual({ kind: 'admit' });
    expect(judgeClaim(placesOf(['b', 'c']), claimOf('b'))).toEqual({ kind: 'admit' });
  });

  it('not another process while the one at the listed address lives', () => {
    const verdict = judgeClaim(placesOf(['b', 'c'], [identity('b', 'there')]), claimOf('b'));
    expect(verdict).toEqual({
      kind: 'refuseIfAlive',
      reason:
        'two processes call themselves "b": one at host-0:7000 (session there), one connected from 10.0.0.9 (session s1)',
    });
  });

  it('the process at the listed address rather than one that came before it', () => {
    const earlier = { identity: identity('b', 'impostor'), remote: '10.0.0.8:41000' };
    const places = placesOf(['b', 'c'], [identity('b')]);
    expect(judgeClaim(places, claimOf('b', { earlier }))).toEqual({
      kind: 'refuseEarlier',
      reason:
        'two processes call themselves "b": one at host-0:7000 (session s1), one connected from 10.0.0.8 (session impostor)',
    });
    const same = { identity: identity('b'), remote: '10.0.0.8:41000' };
    expect(judgeClaim(places, claimOf('b', { earlier: same }))).toEqual({ kind: 'admit' });
  });

  it('nobody whom a list of ids does not name', () => {
    expect(judgeClaim(placesOf(['b', 'c']), claimOf('x'))).toEqual({
      kind: 'refuse',
      reason:
        'node "x" (connected from 10.0.0.9) is not in the list of node "a", and no member that was added: "b", "c"',
    });
  });

  it('nobody but the proven ones once a list without ids has all proven', () => {
    const places = placesOf([null, null], [identity('b'), identity('c')]);
    expect(judgeClaim(places, claimOf('x'))).toMatchObject({ kind: 'refuse' });
    expect(judgeClaim(places, claimOf('c'))).toEqual({ kind: 'admit' });
  });

  it('anybody else while a list without ids has an unproven place, up to two for each place', () => {
    const places = placesOf([null, null], [identity('b')]);
    expect(judgeClaim(places, claimOf('x', { openPeers: 3 }))).toEqual({ kind: 'admit' });
    expect(judgeClaim(places, claimOf('x', { openPeers: 4 }))).toEqual({
      kind: 'refuse',
      reason: 'node "x" (connected from 10.0.0.9): more nodes dial "a" than its list has',
    });
  });
});

describe('who may answer at a listed address', () => {
  it('the node it is listed for, and anybody new where the list has no id', () => {
    const named = placesOf(['b', 'c']);
    expect(judgeAnswer(named, named.all[0]!, identity('b'))).toBeNull();
    const nameless = placesOf([null, null], [identity('b')]);
    expect(judgeAnswer(nameless, nameless.all[1]!, identity('c'))).toBeNull();
  });

  it('not the node that is at another one', () => {
    const nameless = placesOf([null, null], [identity('b')]);
    expect(judgeAnswer(nameless, nameless.all[1]!, identity('b'))).toBe(
      'host-1:7000 answers as "b", but that is the node at host-0:7000',
    );
  });
});

describe('where an id belongs', () => {
  const addressesOf = (places: Places, id: string): string[] => places.possibleFor(id).map(({ address }) => address);

  it('where it is proven, else where it is listed, else wherever nobody is named or proven', () => {
    expect(addressesOf(placesOf(['b', 'c']), 'c')).toEqual(['host-1:7000']);
    expect(addressesOf(placesOf(['b', 'c']), 'x')).toEqual([]);
    expect(addressesOf(placesOf([null, null]), 'c')).toEqual(['host-0:7000', 'host-1:7000']);
    expect(addressesOf(placesOf([null, null], [identity('b')]), 'c')).toEqual(['host-1:7000']);
    expect(addressesOf(placesOf([null, null], [identity('b')]), 'b')).toEqual(['host-0:7000']);
  });

  it('the id of an address is found in any spelling', () => {
    const places = new Places([{ id: 'b', host: '::1', port: 7000 }]);
    expect(places.idAt('[0:0::1]:7000')).toBe('b');
    expect(places.idAt('[::1]:7001')).toBeNull();
    expect(places.idAt('no address')).toBeNull();
  });
});
