import type { ApiBackend } from '../../api/backend.ts';
import type { ConsensusStatus } from '../../consensus/consensus.ts';
import { TuttiError } from '../../lib/errors.ts';
import { renderMetrics } from '../../metrics/render.ts';
import type { Timings } from '../../raft/types.ts';

export interface FormingNode {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly region: string;
  readonly timings: Timings;
}

/** What the API shows: of a node that belongs to no cluster yet, and from `show` on what is behind it then. */
export class Front implements ApiBackend {
  #behind: ApiBackend;
  readonly #waiting: { reason: string } = { reason: 'looking for the other nodes' };

  constructor(node: FormingNode) {
    this.#behind = formingBackend(node, () => this.#waiting.reason);
  }

  /** A sentence for whoever wants something of a node that is forming. */
  waitsFor(reason: string): void {
    this.#waiting.reason = reason;
  }

  show(backend: ApiBackend): void {
    this.#behind = backend;
  }

  get runs(): ApiBackend['runs'] {
    return this.#behind.runs;
  }

  get region(): string {
    return this.#behind.region;
  }

  readonly reload: ApiBackend['reload'] = (asker) => this.#behind.reload(asker);
  readonly status: ApiBackend['status'] = () => this.#behind.status();
  readonly peers: ApiBackend['peers'] = () => this.#behind.peers();
  readonly localRun: ApiBackend['localRun'] = () => this.#behind.localRun();
  readonly metrics: ApiBackend['metrics'] = () => this.#behind.metrics();
}

function formingBackend(node: FormingNode, reason: () => string): ApiBackend {
  const { nodeId, region } = node;
  const refuse = (): Promise<never> =>
    Promise.reject(new TuttiError('NO_LEADER', `node "${nodeId}" belongs to no cluster yet: ${reason()}`));
  return {
    runs: { submit: refuse, stop: refuse, progress: refuse, report: refuse },
    reload: refuse,
    region,
    status: () => formingStatus(node),
    peers: () => [],
    localRun: () => null,
    metrics: () =>
      renderMetrics(null, {
        ...{ nodeId, region, state: 'forming', isLeader: false },
        ...{ term: 0, commitIndex: 0, appliedIndex: 0, members: 0, connectedPeers: 0 },
      }),
  };
}

function formingStatus({ nodeId, incarnation, timings }: FormingNode): ConsensusStatus {
  return {
    ...{ nodeId, incarnation, timings },
    ...{ role: 'follower', term: 0, leaderId: null, membership: null, listedSize: 0, leading: false },
    ...{ lastIndex: 0, commitIndex: 0, appliedIndex: 0, snapshotIndex: 0, problems: [] },
  };
}
