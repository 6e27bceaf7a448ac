import { beforeEach, describe, expect, it } from 'vitest';
import type { ConsensusStatus, ObservedEvent } from '../../../node/src/consensus/consensus.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { leave } from '../../../node/src/node/discovery/leave.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { Membership } from '../../../node/src/raft/types.ts';
import { ManualClock } from '../transport/manual-clock.ts';

const of = (...ids: readonly string[]): Membership =>
  foundedBy({ clusterId: 'x', voters: ids.map((id) => ({ id, incarnation: id })), unmet: 0 });

describe('a node that leaves its cluster', () => {
  let clock: ManualClock;
  let membership: Membership | null;
  let leaderId: string | null;
  const asked: string[] = [];
  let answer: () => Promise<Uint8Array>;
  let tell: (event: ObservedEvent) => void;

  beforeEach(() => {
    clock = new ManualClock();
    [membership, leaderId] = [of('a', 'b', 'c'), 'b'];
    asked.length = 0;
    answer = () => Promise.resolve(new Uint8Array(0));
  });

  const go = (): ReturnType<typeof leave> =>
    leave(
      {
        status: () => ({ nodeId: 'a', membership, leaderId }) as unknown as ConsensusStatus,
        request: (to) => {
          asked.push(to);
          return answer();
        },
        subscribe: (listener) => {
          tell = listener;
          return () => undefined;
        },
      },
      clock,
      silentLog,
    );
  const fails = (code: 'PEER_UNREACHABLE' | 'CHANGE_IN_PROGRESS' | 'SHUTTING_DOWN') => (): Promise<never> =>
    Promise.reject(new TuttiError(code, 'not now'));
  /** Lets what was promised settle, and time pass until it is over. */
  const settled = async <Value>(promise: Promise<Value>): Promise<Value> => {
    const over = promise.then(() => true);
    const turn = (): Promise<false> => new Promise((resolve) => setImmediate(() => resolve(false)));
    for (let turns = 0; !(await Promise.race([over, turn()])); turns += 1) {
      expect(turns).toBeLessThan(1_000);
      clock.advance(50);
    }
    return promise;
  };

  it('has left once the leader says so, or its own log does', async () => {
    expect(await settled(go())).toBe('left');
    expect(asked).toEqual(['b']);
    answer = () => new Promise(() => undefined);
    const left = go();
    tell({ kind: 'fatal', error: new TuttiError('REMOVED', 'gone'), sequence: 1, names: [] });
    expect(await settled(left)).toBe('left');
  });

  it('asks again whoever leads by then', async () => {
    answer = fails('CHANGE_IN_PROGRESS');
    const left = go();
    await new Promise((resolve) => setImmediate(resolve));
    leaderId = 'c';
    answer = () => Promise.resolve(new Uint8Array(0));
    expect(await settled(left)).toBe('left');
    expect(asked).toEqual(['b', 'c']);
  });

  it('has left when its log names it no more and nobody talks to it', async () => {
    membership = of('b', 'c');
    answer = fails('PEER_UNREACHABLE');
    expect(await settled(go())).toBe('left');
    leaderId = null;
    expect(await settled(go())).toBe('left');
  });

  it('stays where it cannot be removed in time, or is closed already', async () => {
    answer = fails('CHANGE_IN_PROGRESS');
    expect(await settled(go())).toBe('stayed');
    leaderId = null;
    expect(await settled(go())).toBe('stayed');
    leaderId = 'b';
    answer = fails('SHUTTING_DOWN');
    expect(await settled(go())).toBe('stayed');
  });

  it('is the last where it is alone, but not while somebody learns from it', async () => {
    membership = of('a');
    expect(await settled(go())).toBe('last');
    membership = { ...of('a'), learners: ['d'] };
    [leaderId, answer] = ['a', fails('CHANGE_IN_PROGRESS')];
    expect(await settled(go())).toBe('stayed');
  });

  it('has nothing to leave before there is a membership', async () => {
    membership = null;
    expect(await settled(go())).toBe('left');
  });
});
