import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { ApiBackend } from '../../../node/src/api/backend.ts';
import type { ConsensusStatus } from '../../../node/src/consensus/consensus.ts';
import type { RunService } from '../../../node/src/coordinator/service.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';

/** A backend whose parts a test replaces one by one; what it does not replace fails loudly. */
export function fakeBackend(
  parts: {
    runs?: Partial<RunService>;
    reload?: ApiBackend['reload'];
    status?: Partial<ConsensusStatus>;
    acknowledged?: boolean;
  } = {},
): ApiBackend {
  const notFound = (): Promise<never> => Promise.reject(new TuttiError('RUN_NOT_FOUND', 'no run was ever submitted'));
  return {
    runs: { submit: notFound, stop: notFound, progress: notFound, report: notFound, ...parts.runs },
    region: 'eu',
    reload: parts.reload ?? notFound,
    status: () => ({
      nodeId: 'a',
      incarnation: 'i',
      role: 'follower',
      term: 3,
      leaderId: 'b',
      lastIndex: 9,
      commitIndex: 9,
      appliedIndex: 9,
      snapshotIndex: 0,
      listedSize: 3,
      timings: timingProfiles.lan,
      leading: false,
      problems: [],
      membership: foundedBy({
        clusterId: 'c',
        unmet: 0,
        voters: ['a', 'b', 'c'].map((id) => ({ id, incarnation: `${id}1` })),
      }),
      ...parts.status,
    }),
    peers: () => [
      { address: '127.0.0.1:7001', expectedId: 'b', identity: null, state: 'connected', problem: null, lastHeardMs: 0 },
    ],
    localRun: () =>
      parts.acknowledged === undefined ? null : { runId: 'r', state: 'running', acknowledged: parts.acknowledged },
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: 'x 1\n' }),
  };
}
