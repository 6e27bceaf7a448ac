import { beforeEach, describe, expect, it, vi } from 'vitest';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import { initialState } from '../../../node/src/cluster/reducer.ts';
import type { SourceDecision } from '../../../node/src/cluster/state.ts';
import type { ConsensusStatus, ObservedEvent } from '../../../node/src/consensus/consensus.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { submitFromFile } from '../../../node/src/node/file-plan.ts';
import type { PlanDelivery } from '../../../node/src/node/plan-delivery.ts';
import type { PlanSource } from '../../../node/src/source/source.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { observed } from '../../support/observed.ts';

const path = '/etc/plan.yaml';
const plan = { text: 'version: "1.0"\n', submissionId: 'file:1' };
const validPlan = `
version: "1.0"
config: { baseUrl: "http://127.0.0.1:1", duration: 1s }
load: { model: rps, target: 1 }
scenarios: [{ name: s, steps: [{ request: { method: GET, path: "/" } }] }]
`;
const patience = { timeout: 10_000, interval: 5 };

const peer = {
  nodeId: 'b',
  incarnation: 'i',
  session: 's',
  clusterId: null,
  listedSize: 3,
  region: 'local',
  apiAddress: '',
  electionPriority: 0,
  isLearner: false,
};

const status: ConsensusStatus = {
  nodeId: 'a',
  incarnation: 'i',
  role: 'follower',
  term: 1,
  leaderId: 'b',
  lastIndex: 1,
  commitIndex: 1,
  appliedIndex: 1,
  snapshotIndex: 0,
  membership: foundedBy({ clusterId: 'c', voters: ['a', 'b'].map((id) => ({ id, incarnation: 'i' })), unmet: 0 }),
  listedSize: 3,
  timings: timingProfiles.lan,
  leading: false,
  problems: [],
};

describe('a plan from a file', () => {
  let listeners: Set<(event: ObservedEvent) => void>;
  let leaderId: string | null;
  let states: PeerStatus['state'][];
  let expire: () => void;
  let submitted: { planText: string; submissionId: string; source?: string; fileName?: string }[];
  let refusal: TuttiError | null;
  let sources: readonly SourceDecision[];
  let filePlan: PlanDelivery;
  let onDisk: string;

  const source: PlanSource = {
    kind: 'file',
    sharedBy: 'node',
    name: path,
    fetch: () => Promise.resolve({ text: onDisk, submissionId: `file:${onDisk}` }),
    watch: null,
  };

  const open = (): void => {
    filePlan = submitFromFile({
      source,
      plan,
      consensus: {
        subscribe: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        status: () => ({ ...status, leaderId }),
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
          return refusal === null
            ? Promise.resolve({ runId: 'run-1', created: true, missing: [] })
            : Promise.reject(refusal);
        },
      },
      state: () => ({ ...initialState, sources }),
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
  };

  beforeEach(() => {
    leaderId = 'b';
    states = ['connected', 'connected'];
    onDisk = validPlan;
    submitted = [];
    refusal = null;
    sources = [];
    expire = () => undefined;
    listeners = new Set();
  });

  const peerUp = (): void => {
    for (const listener of [...listeners]) listener(observed({ kind: 'peerUp', peer }));
  };
  const refuse = (code: 'RUN_IN_PROGRESS' | 'NO_LEADER', message: string): void => {
    refusal = new TuttiError(code, message);
  };

  it('is given once a leader is known and all listed members are connected, under the id of its content', async () => {
    leaderId = null;
    open();
    leaderId = 'b';
    states = ['connected', 'connecting'];
    peerUp();
    expect(submitted).toEqual([]);
    states = ['connected', 'connected'];
    peerUp();
    await vi.waitFor(() => expect(submitted).toHaveLength(1), patience);
    expect(submitted[0]).toEqual({
      fileName: path,
      planText: plan.text,
      submissionId: plan.submissionId,
      source: 'file of a',
    });
    expect(filePlan.problem()).toBe(null);
  });

  it('is given once: no election, no member and no time makes it be given again', async () => {
    open();
    await vi.waitFor(() => expect(submitted).toHaveLength(1), patience);
    expire();
    for (const kind of ['leadershipGained', 'leadershipLost'] as const) {
      for (const listener of [...listeners]) listener(observed({ kind, term: 2, reason: 'test' }));
    }
    peerUp();
    expect(listeners.size).toBe(0);
    expect(submitted).toHaveLength(1);
  });

  it('is given without those that are still missing when the wait is over', async () => {
    states = ['connecting', 'connected'];
    open();
    expire();
    await vi.waitFor(() => expect(submitted).toHaveLength(1), patience);
  });

  it('is not given again when a run was on: the health of the cluster says so until it has been run', async () => {
    refuse('RUN_IN_PROGRESS', 'run r was on');
    open();
    await vi.waitFor(() => expect(submitted).toHaveLength(1), patience);
    const decision = {
      source: 'file of a',
      submissionId: 'file:1',
      planHash: 'h',
      runId: null,
      refusal: 'run r was on',
    };
    sources = [{ ...decision, source: 'file of b', submissionId: 'file:2' }, decision];
    expect(filePlan.problem()).toMatchObject({
      address: path,
      reason: expect.stringMatching(/was not run.*: run r was on\. .*POST \/config.*tutti reload/) as string,
    });
    expire();
    peerUp();
    expect(submitted).toHaveLength(1);
    sources = [{ ...decision, runId: 'run-7', refusal: null }];
    expect(filePlan.problem()).toBe(null);
  });

  it('is given again when nobody could answer, and the health of the cluster says so meanwhile', async () => {
    refuse('NO_LEADER', 'no leader answered');
    open();
    await vi.waitFor(() => expect(filePlan.problem()?.reason).toContain('yet: no leader answered'), patience);
    refusal = null;
    expire();
    await vi.waitFor(() => expect(filePlan.problem()).toBe(null), patience);
    expect(submitted).toHaveLength(2);
  });

  it('is read anew when somebody asks for it, and given though the same was refused before', async () => {
    refuse('RUN_IN_PROGRESS', 'run r was on');
    open();
    await vi.waitFor(() => expect(submitted).toHaveLength(1), patience);
    refusal = null;
    await filePlan.reload();
    expect(submitted[1]).toMatchObject({ submissionId: `file:${validPlan}`, source: 'file of a' });
    const refused = { source: 'file of a', planHash: 'h', runId: null, refusal: 'run r was on' };
    sources = [{ ...refused, submissionId: `file:${validPlan}` }];
    await filePlan.reload();
    expect(submitted[2]?.submissionId).toMatch(/^file:[^]*\+/);
    expect(submitted[2]?.source).toBe(undefined);
    onDisk = 'load: 7';
    await expect(filePlan.reload()).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    expect(submitted).toHaveLength(3);
  });

  it('is not given by a node that ends', () => {
    states = ['connecting', 'connected'];
    open();
    filePlan.close();
    states = ['connected', 'connected'];
    peerUp();
    expire();
    expect(submitted).toEqual([]);
  });
});
