import { beforeEach, describe, expect, it } from 'vitest';
import { PairTable, type Link } from '../../../node/src/transport/pairing.ts';
import type { PeerFrame, PeerIdentity } from '../../../node/src/transport/transport.ts';

const identity = (session: string): PeerIdentity => ({
  nodeId: 'b',
  incarnation: 'disk',
  session,
  clusterId: null,
  listedSize: 3,
  region: '',
  apiAddress: '',
  electionPriority: 0,
  isLearner: false,
});
const frame = (requestId: number): PeerFrame => ({ kind: 'response', requestId, body: new Uint8Array() });

let log: string[] = [];
let pairs: PairTable;
const link = (name: string, session = 's1'): Link => ({
  identity: identity(session),
  notice: null,
  close: () => void log.push(`close ${name}`),
});

beforeEach(() => {
  log = [];
  pairs = new PairTable({
    onPeerUp: (peer) => void log.push(`up ${peer.session}`),
    onPeerDown: (peer, reason) => void log.push(`down ${peer.session}: ${reason}`),
    onFrame: (from, got) => void log.push(`frame ${got.kind === 'response' ? got.requestId : ''} of ${from.session}`),
  });
});

describe('pairing', () => {
  it.each(['outboundOpened', 'inboundOpened'] as const)('one direction is no connection (L7): %s', (opened) => {
    pairs[opened](link('only'));
    expect(log).toEqual([]);
    expect(pairs.isUp('b')).toBe(false);
  });

  it('both directions to the same process are one, in either order, reported once', () => {
    pairs.inboundOpened(link('in'));
    pairs.outboundOpened(link('out'));
    expect(log).toEqual(['up s1']);
    expect(pairs.isUp('b')).toBe(true);
  });

  it('streams of two processes under one id are no connection', () => {
    pairs.inboundOpened(link('in', 's1'));
    pairs.outboundOpened(link('out', 's2'));
    expect(log).toEqual([]);
  });

  it.each(['in', 'out'])('the loss of one direction (%s) closes the other, and is reported once', (lost) => {
    const links = { in: link('in'), out: link('out') };
    pairs.inboundOpened(links.in);
    pairs.outboundOpened(links.out);
    log = [];
    pairs.closed(lost === 'in' ? links.in : links.out, 'reset');
    expect(log).toEqual([lost === 'in' ? 'close out' : 'close in', 'down s1: reset']);
    pairs.closed(lost === 'in' ? links.out : links.in, 'reset');
    expect(log).toHaveLength(2);
  });

  it('a stream that replaces one not yet known to be dead ends the old pair first', () => {
    pairs.inboundOpened(link('in'));
    pairs.outboundOpened(link('out'));
    log = [];
    pairs.inboundOpened(link('in2'));
    expect(log.slice(0, 2)).toEqual(['close in', 'close out']);
    expect(log[2]).toContain('down s1: reset');
    pairs.outboundOpened(link('out2'));
    expect(log.at(-1)).toBe('up s1');
  });

  it('late news of a replaced stream changes nothing', () => {
    const old = link('in');
    pairs.inboundOpened(old);
    pairs.inboundOpened(link('in2'));
    pairs.outboundOpened(link('out'));
    log = [];
    pairs.closed(old, 'reset');
    pairs.received(old, frame(1));
    expect(log).toEqual([]);
    expect(pairs.isUp('b')).toBe(true);
  });

  it('frames that overtake the second handshake are delivered after onPeerUp, in order', () => {
    const inbound = link('in');
    pairs.inboundOpened(inbound);
    pairs.received(inbound, frame(1));
    pairs.received(inbound, frame(2));
    pairs.outboundOpened(link('out'));
    pairs.received(inbound, frame(3));
    expect(log).toEqual(['up s1', 'frame 1 of s1', 'frame 2 of s1', 'frame 3 of s1']);
  });

  it('holds a bounded number of them', () => {
    const inbound = link('in');
    pairs.inboundOpened(inbound);
    for (let index = 0; index < 1_000; index += 1) pairs.received(inbound, frame(index));
    pairs.outboundOpened(link('out'));
    expect(log).toHaveLength(1 + 64);
  });

  it('delivers no held frame of a peer that onPeerUp refused', () => {
    const refusing: PairTable = new PairTable({
      onPeerUp: () => refusing.drop('b', 'refused: wiped disk'),
      onPeerDown: (_, reason) => void log.push(`down ${reason}`),
      onFrame: () => void log.push('frame'),
    });
    const inbound = link('in');
    refusing.inboundOpened(inbound);
    refusing.received(inbound, frame(1));
    refusing.outboundOpened(link('out'));
    expect(log).toEqual(['close out', 'close in', 'down refused: wiped disk']);
  });

  it('forgets a peer whose streams are both gone', () => {
    const inbound = link('in');
    pairs.inboundOpened(inbound);
    pairs.outboundOpened(link('out'));
    pairs.closed(inbound, 'reset');
    pairs.inboundOpened(link('in2'));
    pairs.drop('b', 'refused');
    expect(pairs.size).toBe(0);
  });
});
