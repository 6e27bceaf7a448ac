import { describe, expect, it } from 'vitest';
import { MemoryCluster } from './memory-cluster.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import type { Log } from '../../../node/src/lib/log.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { closeTimeoutMs } from '../../../node/src/consensus/closing.ts';
import { Narrator } from '../../../node/src/consensus/narrate.ts';
import type { RaftEvent } from '../../../node/src/raft/core.ts';
import { ManualStore, RecordingTransport, openRig, turn } from './twins.ts';

describe('opening and closing', () => {
  it('fails with what the store fails with, and starts no transport', async () => {
    const store = new ManualStore();
    store.open = () => Promise.reject(new TuttiError('LOG_DAMAGED', 'frame 7'));
    let made = 0;
    const transport = (): RecordingTransport => {
      made++;
      return new RecordingTransport();
    };
    await expect(openRig({ store, transport })).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
    expect(made).toBe(0);
  });

  it('fails with what the transport fails with, and leaves the store closed', async () => {
    const store = new ManualStore();
    const transport = new RecordingTransport();
    transport.start = () => Promise.reject(new TuttiError('ADDRESS_IN_USE', '127.0.0.1:7000'));
    await expect(openRig({ store, transport: () => transport })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    expect([transport.closed, store.closed]).toEqual([true, true]);
  });

  it('fails with what the core makes of the recovered log, and leaves the store closed', async () => {
    const store = new ManualStore();
    const createCore = (): never => {
      throw new Error('the first entry of a log is the membership that founded the cluster');
    };
    await expect(openRig({ store, createCore })).rejects.toThrow('the first entry');
    expect(store.closed).toBe(true);
  });

  it('does not step before the turn in which it was opened has ended, so that nobody misses an event', async () => {
    const { core } = await openRig({ defer: () => undefined });
    expect(core.inputs).toEqual([]);
  });

  it('a disk that hangs does not keep it from closing for ever', async () => {
    const lines: string[] = [];
    const log: Log = { ...silentLog, error: (_fields, message) => void lines.push(message) };
    const { consensus, store, time } = await openRig({ log });
    store.close = () => new Promise(() => undefined);
    let closed = false;
    void consensus.close().then(() => (closed = true));
    await turn();
    expect(closed).toBe(false);
    time.advance(closeTimeoutMs);
    await turn();
    expect(closed).toBe(true);
    expect(lines).toEqual(['the log store did not close; going on without it']);
  });

  it('closing twice is closing once', async () => {
    const { consensus } = await openRig();
    expect(consensus.close()).toBe(consensus.close());
    await consensus.close();
  });
});

describe('the log lines', () => {
  const told = (...events: RaftEvent[]): string[] => {
    const lines: string[] = [];
    const line =
      (level: string) =>
      (fields: object, message: string): void =>
        void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
    const narrator = new Narrator(log, 'a');
    for (const event of events) narrator.tell({ kind: 'raft', event });
    return lines;
  };

  it('an election is one line with term, tally and leader', () => {
    expect(told({ kind: 'electionWon', term: 4, votes: 2, needed: 2 })).toEqual([
      'info elected: leads term 4 with 2 votes, 2 needed {"leader":"a","term":4,"votes":2,"needed":2,"lastLeader":null}',
    ]);
    expect(told({ kind: 'roleChanged', role: 'leader', term: 4, reason: 'elected by 2 votes' })).toEqual([]);
    expect(told({ kind: 'leaderChanged', leaderId: 'a', term: 4 })).toEqual([]);
  });

  it('each names who led before', () => {
    const lines = told(
      { kind: 'leaderChanged', leaderId: 'b', term: 5 },
      { kind: 'leaderChanged', leaderId: null, term: 5 },
      { kind: 'electionWon', term: 6, votes: 2, needed: 2 },
    );
    expect(lines[1]).toBe('info no leader is known {"leader":null,"term":5,"lastLeader":"b"}');
    expect(lines[2]).toMatch('"lastLeader":"b"');
  });

  it('a peer that falls silent, and answers again, is a line each', () => {
    const lines = told(
      { kind: 'heartbeatFailed', id: 'b', term: 5, silentMs: 150.4 },
      { kind: 'heartbeatResumed', id: 'b', term: 5, silentMs: 900 },
    );
    expect(lines).toEqual([
      'warn b has not answered for 150 ms {"peer":"b","term":5,"silentMs":150}',
      'info b answers again, after 900 ms {"peer":"b","term":5,"silentMs":900}',
    ]);
  });

  it('a step-down, a vote and a membership change are one line each, with the reason', () => {
    expect(told({ kind: 'roleChanged', role: 'follower', term: 5, reason: 'b is in term 5' })).toEqual([
      'info now follower: b is in term 5 {"role":"follower","term":5,"reason":"b is in term 5","lastLeader":null}',
    ]);
    expect(told({ kind: 'voteCast', candidate: 'b', term: 5, granted: false, reason: 'its log is behind' })).toEqual([
      'info refused a vote to b: its log is behind {"candidate":"b","term":5,"granted":false,"reason":"its log is behind","lastLeader":null}',
    ]);
    const membership = foundedBy({ clusterId: 'c', voters: [{ id: 'a', incarnation: '1' }], unmet: 2 });
    expect(told({ kind: 'membershipChanged', membership, index: 1 })).toEqual([
      'info members: a, 2 not met yet {"clusterId":"c","voters":["a"],"unmet":2,"index":1}',
    ]);
    expect(told({ kind: 'truncated', fromIndex: 7, term: 5 })[0]).toMatch(/^warn entries from index 7 on/);
    expect(told({ kind: 'leaderChanged', leaderId: 'b', term: 5 })[0]).toMatch(/^info b leads term 5/);
    expect(told({ kind: 'leaderChanged', leaderId: null, term: 5 })[0]).toMatch(/^info no leader is known/);
  });
});

it.each([-1, 1.5, NaN, 101])('a member with an election priority of %d is not opened', async (electionPriority) => {
  const self = { nodeId: 'a', incarnation: 'disk', session: 's', region: '', apiAddress: '', electionPriority };
  await expect(MemoryCluster.openWith({ self }, 'a')).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
    message: `electionPriority is ${electionPriority}, and must be a whole number from 0 to 100`,
  });
});
