import { beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../node/src/lib/log.ts';
import { watchUnreachable } from '../../../node/src/node/unreachable.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';
import { ManualClock } from '../transport/manual-clock.ts';

const peer = (state: PeerStatus['state'], problem: string | null): PeerStatus => ({
  address: '127.0.0.1:7002',
  expectedId: 'b',
  identity: null,
  state,
  problem,
  lastHeardMs: null,
});

let status: PeerStatus;
let said: string[];
let clock: ManualClock;
let end: () => void;
beforeEach(() => {
  status = peer('connecting', 'ECONNREFUSED');
  said = [];
  clock = new ManualClock();
  const log = { ...silentLog, warn: (_fields: object, message: string) => void said.push(message) };
  end = watchUnreachable(() => [status], 'CLUSTER_NODES', clock, log);
});
const pass = (seconds: number): void => clock.advance(seconds * 1000);

it('says once per reason that a listed address is not reached, after three seconds, and again after it was', () => {
  pass(2);
  expect(said).toEqual([]);
  pass(5);
  expect(said).toEqual(['nobody is reached at 127.0.0.1:7002, as CLUSTER_NODES has it: ECONNREFUSED']);
  status = peer('connecting', 'EHOSTUNREACH');
  pass(3);
  expect(said).toHaveLength(2);
  status = peer('connected', null);
  pass(1);
  status = peer('connecting', 'EHOSTUNREACH');
  pass(6);
  expect(said).toHaveLength(3);
  end();
  status = peer('connecting', 'ETIMEDOUT');
  pass(10);
  expect(said).toHaveLength(3);
});

it('says two reasons that take turns once each, and of ever new ones no more than eight', () => {
  for (let second = 0; second < 60; second += 1) {
    status = peer('connecting', second % 2 === 0 ? 'ECONNREFUSED' : 'no answer within 3000 ms');
    pass(1);
  }
  expect(said).toHaveLength(2);
  for (let second = 0; second < 60; second += 1) {
    status = peer('connecting', `error ${second}`);
    pass(1);
  }
  expect(said).toHaveLength(8);
});

it('says of a peer that answers what health says of it, and not that nobody is there', () => {
  status = { ...peer('connecting', null), lastHeardMs: 5 };
  pass(5);
  expect(said).toEqual([
    'the node at 127.0.0.1:7002, as CLUSTER_NODES has it: it answers, but has not connected to this node: is the address of ' +
      'this node right in its CLUSTER_NODES?',
  ]);
});

it('says nothing of a peer that is refused: it was reached', () => {
  status = peer('refused', 'another cluster');
  pass(60);
  expect(said).toEqual([]);
});
