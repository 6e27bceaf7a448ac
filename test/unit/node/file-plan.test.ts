import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConsensusEvent, ConsensusStatus } from '../../../node/src/consensus/consensus.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { submitFromFile } from '../../../node/src/node/file-plan.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';

const directory = mkdtempSync(join(tmpdir(), 'tutti-file-plan-'));
const path = join(directory, 'plan.yaml');
afterAll(() => rmSync(directory, { recursive: true }));
const patience = { timeout: 10_000, interval: 5 };

const peer = {
  nodeId: 'b',
  incarnation: 'i',
  session: 's',
  clusterId: null,
  listedSize: 3,
  region: 'local',
  apiAddress: '',
};

const status: ConsensusStatus = {
  nodeId: 'a',
  incarnation: 'i',
  role: 'leader',
  term: 1,
  leaderId: 'a',
  lastIndex: 1,
  commitIndex: 1,
  appliedIndex: 1,
  membership: { clusterId: 'c', voters: ['a', 'b'].map((id) => ({ id, incarnation: 'i' })), unmet: 0 },
  listedSize: 3,
  leading: true,
  problems: [],
};

describe('a plan from a file', () => {
  let listeners: Set<(event: ConsensusEvent) => void>;
  let states: PeerStatus['state'][];
  let expire: () => void;
  let submitted: { planText: string; submissionId: string; fileName?: string }[];
  let close: () => void;
  const gained: ConsensusEvent = { kind: 'leadershipGained', term: 1 };

  beforeEach(() => {
    writeFileSync(path, 'version: "1.0"\n');
    states = ['connected', 'connecting'];
    submitted = [];
    listeners = new Set();
    close = submitFromFile({
      path,
      consensus: {
        subscribe: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        status: () => status,
        peers: () =>
          states.map((state, index) => ({
            address: `h:${index}`,
            expectedId: null,
            identity: peer,
            state,
            problem: null,
            lastHeardMs: null,
          })),
      },
      runs: {
        submit: (submission) => {
          submitted.push(submission);
          return Promise.resolve({ runId: 'run-1', created: true, missing: [] });
        },
      },
      clock: {
        nowMs: () => 0,
        at: (_atMs, callback) => {
          expire = callback;
          return () => (expire = () => undefined);
        },
      },
      waitForMembersMs: 1000,
      log: silentLog,
    });
  });

  const emit = (event: ConsensusEvent): void => {
    for (const listener of [...listeners]) listener(event);
  };
  const peerUp = (): void => {
    emit({ kind: 'peerUp', peer });
  };

  it('is submitted once all listed members are connected, under an id of its content', async () => {
    emit(gained);
    expect(submitted).toEqual([]);
    states = ['connected', 'connected'];
    peerUp();
    await vi.waitFor(() => expect(submitted).toHaveLength(1), patience);
    expect(submitted[0]).toMatchObject({
      fileName: path,
      planText: 'version: "1.0"\n',
      submissionId: expect.stringMatching(/^file:[0-9a-f]{64}$/) as string,
    });
    expire();
    peerUp();
    expect(submitted).toHaveLength(1);
  });

  it('is submitted without those that are still missing when the wait is over', async () => {
    emit(gained);
    expire();
    await vi.waitFor(() => expect(submitted).toHaveLength(1), patience);
  });

  it('is not submitted by a node that does not lead any more, nor by one that never led', () => {
    states = ['connected', 'connected'];
    peerUp();
    states = ['connecting', 'connected'];
    emit(gained);
    emit({ kind: 'leadershipLost', term: 1, reason: 'test' });
    states = ['connected', 'connected'];
    peerUp();
    expire();
    close();
    expect(submitted).toEqual([]);
  });
});
