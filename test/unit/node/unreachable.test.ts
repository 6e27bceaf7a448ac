import { expect, it } from 'vitest';
import { silentLog } from '../../../node/src/lib/log.ts';
import { watchUnreachable } from '../../../node/src/node/unreachable.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';

it('says once per reason that a listed address is not reached, after three seconds, and again after it was', () => {
  let nowMs = 0;
  let due: (() => void) | null = null;
  const said: string[] = [];
  const peer = (state: PeerStatus['state'], problem: string | null): PeerStatus => ({
    address: '127.0.0.1:7002',
    expectedId: 'b',
    identity: null,
    state,
    problem,
    lastHeardMs: null,
  });
  let status = peer('connecting', 'ECONNREFUSED');
  const clock = {
    nowMs: () => nowMs,
    at: (_atMs: number, callback: () => void) => {
      due = callback;
      return () => (due = null);
    },
  };
  const pass = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      nowMs += 1000;
      due?.();
    }
  };
  const end = watchUnreachable(() => [status], clock, { ...silentLog, warn: (_fields, message) => said.push(message) });

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
  expect(due).toBeNull();
});
