import type { ApiBackend } from '../api/backend.ts';
import { nodeState } from '../api/health.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { ClusterState, Run } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import { reportInput } from '../cluster/views.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { TuttiError } from '../lib/errors.ts';
import { renderMetrics } from '../metrics/render.ts';
import { memberIds } from '../raft/membership.ts';
import { buildReport } from '../results/build-report.ts';
import type { NodeRuntime } from '../runtime/node-runtime.ts';
import type { PlanDelivery } from './plan-delivery.ts';

/** What the API shows, from this node's consensus and its replica. */
export function createBackend(parts: {
  readonly consensus: Consensus<CommandResult>;
  readonly runtime: NodeRuntime;
  readonly state: () => ClusterState;
  readonly region: string;
  /** Null: plans come by the API alone. */
  readonly delivery: PlanDelivery | null;
}): ApiBackend {
  const { consensus, runtime, state, region, delivery } = parts;
  return {
    runs: runtime.runs,
    reload(asker) {
      if (delivery !== null) return delivery.reload(asker);
      const message = 'CLUSTER_CONFIG_SOURCE is api: there is nothing to read anew; submit a plan (POST /config)';
      return Promise.reject(new TuttiError('NO_SOURCE', message));
    },
    region,
    status() {
      const status = consensus.status();
      const own = delivery?.problem() ?? null;
      return own === null ? status : { ...status, problems: [...status.problems, own] };
    },
    peers: () => consensus.peers(),
    localRun() {
      const run = state().run;
      return run === null ? null : { runId: run.id, state: run.phase.name, acknowledged: isAcknowledged(run) };
    },
    metrics() {
      const run = state().run;
      const status = consensus.status();
      return renderMetrics(run === null ? null : buildReport(reportInput(run)), {
        nodeId: status.nodeId,
        region,
        state: nodeState(status),
        isLeader: status.role === 'leader',
        term: status.term,
        commitIndex: status.commitIndex,
        appliedIndex: status.appliedIndex,
        members: status.membership === null ? 0 : memberIds(status.membership).length + status.membership.unmet,
        connectedPeers: consensus.peers().filter((peer) => peer.state === 'connected').length,
      });
    },
  };
}

/** Every phase after preparing was reached because all expected agents had acknowledged; of a run that is over nobody waits for any. */
function isAcknowledged(run: Run): boolean {
  return run.phase.name !== 'preparing' && !isOver(run.phase);
}
