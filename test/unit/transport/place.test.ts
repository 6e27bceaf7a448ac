import { describe, expect, it } from 'vitest';
import { Place } from '../../../node/src/transport/peer/place.ts';

const fresh = (): Place => new Place({ id: 'b', host: '::1', port: 7000 });

describe('a listed place', () => {
  it('shows what went wrong last, whether it was a refusal, and nothing once it was up', () => {
    const place = fresh();
    expect(place.status(false)).toMatchObject({ address: '[::1]:7000', state: 'connecting', problem: null });
    place.refused('another cluster');
    expect(place.status(false)).toMatchObject({ state: 'refused', problem: 'another cluster' });
    place.failed('reset');
    expect(place.status(false)).toMatchObject({ state: 'connecting', problem: 'reset' });
    place.up(5_000);
    expect(place.status(true)).toMatchObject({ state: 'connected', problem: null });
    expect([place.wasSteady(5_999), place.wasSteady(6_000)]).toEqual([false, true]);
  });

  it('remembers who was there and when it was heard last, when the stream is over', () => {
    const place = fresh();
    const identity = {
      ...{ nodeId: 'b', incarnation: 'disk', session: 's1', clusterId: null },
      ...{ listedSize: 2, region: '', apiAddress: '', electionPriority: 0, isLearner: false },
    };
    place.dialled({ identity, lastHeardMs: 42 });
    place.hungUp();
    expect(place.outbound).toBeNull();
    expect(place.status(false)).toMatchObject({ identity, lastHeardMs: 42 });
  });

  it('knows a notice of each direction as news until a stream of that direction came without', () => {
    const place = fresh();
    expect(place.noticed('inbound', 'another port')).toBe(true);
    expect(place.status(true).problem).toBe('another port');
    expect(place.noticed('inbound', 'another port')).toBe(false);
    expect(place.noticed('outbound', 'another port')).toBe(true);
    expect(place.noticed('inbound', null)).toBe(false);
    expect(place.noticed('inbound', 'another port')).toBe(true);
  });
});
