import type { ApiBackend } from '../api/backend.ts';
import { nodeState } from '../api/health.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { ClusterState, Run } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import { reportInput } from '../cluster/views.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { renderMetrics } from '../metrics/render.ts';
import { buildReport } from '../results/build-report.ts';
import type { NodeRuntime } from '../runtime/node-runtime.ts';

/** What the API shows, from this node's consensus and its replica. */
export function createBackend(parts: {
  readonly consensus: Consensus<CommandResult>;
  readonly runtime: NodeRuntime;
  readonly state: () => ClusterState;
  readonly region: string;
  /** What an operator must look at besides peers: the plan file of this node. */
  readonly ownProblem: () => { readonly address: string; readonly reason: string } | null;
}): ApiBackend {
  const { consensus, runtime, state, region, ownProblem } = parts;
  return {
    runs: runtime.runs,
    region,
    status() {
      const status = consensus.status();
      const own = ownProblem();
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
        connectedPeers: consensus.peers().filter((peer) => peer.state === 'connected').length,
      });
    },
  };
}

/** Every phase after preparing was reached because all expected agents had acknowledged; of a run that is over nobody waits for any. */
function isAcknowledged(run: Run): boolean {
  return run.phase.name !== 'preparing' && !isOver(run.phase);
}
