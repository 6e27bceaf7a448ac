import { createRaft } from '../../node/src/raft/raft.ts';
import { SimulatedCluster } from './cluster.ts';
import { sameMembers } from './draw-membership.ts';
import type { FaultPlan } from './faults.ts';
import { calmNetwork } from './faults.ts';

/** A machine room in which nothing fails by itself. */
export function quiet(size: number): FaultPlan {
  const never = {
    crashMeanMs: Infinity,
    cutMeanMs: Infinity,
    pauseMeanMs: Infinity,
    falseEndMeanMs: Infinity,
    transferMeanMs: Infinity,
    readMeanMs: Infinity,
    snapshotMeanMs: Infinity,
  };
  return {
    ...never,
    ...{ size, chaosMs: 0, network: { ...calmNetwork, maxDelayMs: 2 }, maxSyncMs: 2, syncStall: 0, maxEndNewsMs: 3 },
    ...{ downMeanMs: 0, crashLeader: 0, crashAtPromise: 0, crashAtElection: 0, cutForMeanMs: 0, wipe: false },
    ...sameMembers,
    clockJumpMeanMs: Infinity,
    ...{ loseUnboundDisk: 0, proposalMeanMs: Infinity, maxTransferMs: 20, maxTrailingBytes: 0 },
    ...{ priorities: [0, 0, 0, 0, 0], leaseDriftPpm: null, clockDriftPpm: 0 },
    limits: { maxAppendBytes: 1e6, maxInflightBytes: 1e6, maxUncommittedBytes: 1e6, maxProposalBytes: 1e3 },
  };
}

/** A cluster with a leader that has committed in its term, and all connected. */
export function led(seed: number, plan: FaultPlan): SimulatedCluster {
  const cluster = new SimulatedCluster(seed, plan, createRaft);
  for (const node of cluster.nodes) node.start();
  cluster.refreshLinks();
  runUntil(cluster, 5_000, () => cluster.nodes.every(({ clusterId }) => clusterId !== null));
  return cluster;
}

export function runUntil(cluster: SimulatedCluster, forMs: number, isDone: () => boolean): void {
  cluster.scheduler.run(cluster.scheduler.nowMs + forMs, isDone);
  if (!isDone()) throw new Error(`not within ${forMs} ms:\n${cluster.recentTrace().join('\n')}`);
}
