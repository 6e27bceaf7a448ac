import { describe, expect, it } from 'vitest';
import { slotOf } from '../../../node/src/cluster/state.ts';
import type { ConsensusEvent, ObservedEvent } from '../../../node/src/consensus/consensus.ts';
import { Presence } from '../../../node/src/coordinator/presence.ts';
import type { PeerIdentity } from '../../../node/src/transport/transport.ts';
import { observed } from '../../support/observed.ts';

const self = { node: 'a', session: 's0', region: 'north' };
const peer = (nodeId: string, session: string): PeerIdentity => ({
  nodeId,
  session,
  incarnation: nodeId,
  clusterId: null,
  listedSize: 3,
  region: 'south',
  apiAddress: '',
  electionPriority: 0,
  isLearner: false,
});

function presence(): { presence: Presence; at(ms: number, event: ConsensusEvent): void; nowMs: number } {
  const listeners: ((event: ObservedEvent) => void)[] = [];
  const time = { nowMs: 0 };
  const consensus = {
    peers: () => [],
    subscribe: (listener: (event: ObservedEvent) => void) => {
      listeners.push(listener);
      return () => undefined;
    },
  };
  const clock = { nowMs: () => time.nowMs, at: () => () => undefined };
  return Object.assign(time, {
    presence: new Presence(consensus, self, clock),
    at(ms: number, event: ConsensusEvent) {
      time.nowMs = ms;
      for (const listener of listeners) listener(observed(event));
    },
  });
}

describe('Presence', () => {
  it('counts oneself as there, always', () => {
    const { presence: seen } = presence();
    expect(seen.connected()).toEqual([self]);
    expect(seen.downForMs(slotOf(self))).toBe(0);
  });

  it('says for how long an agent has been up, and down', () => {
    const time = presence();
    const slot = slotOf({ node: 'b', session: 's1' });
    expect(time.presence.downForMs(slot)).toBe(Infinity);
    time.at(100, { kind: 'peerUp', peer: peer('b', 's1') });
    time.nowMs = 350;
    expect(time.presence.upForMs(slot)).toBe(250);
    expect(time.presence.downForMs(slot)).toBe(0);
    time.at(400, { kind: 'peerDown', peer: peer('b', 's1'), reason: 'reset' });
    time.nowMs = 501;
    expect(time.presence.upForMs(slot)).toBeNull();
    expect(time.presence.downForMs(slot)).toBe(101);
    expect(time.presence.connected()).toEqual([self]);
  });

  it('takes a node that came back as another process for another agent: the earlier one is gone for good', () => {
    const time = presence();
    time.at(0, { kind: 'peerUp', peer: peer('b', 's1') });
    time.at(10, { kind: 'peerDown', peer: peer('b', 's1'), reason: 'reset' });
    time.at(20, { kind: 'peerUp', peer: peer('b', 's2') });
    expect(time.presence.downForMs(slotOf({ node: 'b', session: 's1' }))).toBe(Infinity);
    expect(time.presence.connected()).toContainEqual({ node: 'b', session: 's2', region: 'south' });
  });
});
