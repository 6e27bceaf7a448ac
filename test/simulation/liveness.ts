import type { LogPosition } from '../../node/src/raft/types.ts';
import { timingProfiles } from '../../node/src/raft/types.ts';
import { LINK_REFRESH_MS } from './chaos.ts';
import type { SimulatedCluster } from './cluster.ts';
import { calmNetwork } from './faults.ts';
import { isConverged, isPreferred, membersOf, pickCore } from './healing.ts';
import { STRAGGLE_FACTOR } from './network.ts';
import type { Random } from './random.ts';

/** Longest election timeouts within which a healed quorum must have elected, committed and caught up. */
const CONVERGE_TIMEOUTS = 15;

/** Longest election timeouts for which the leader must then stay. */
const STABLE_TIMEOUTS = 10;

/** Longest election timeouts within which the preferred of them must lead, however restless it was before (raft/priority.ts). */
const PREFERENCE_TIMEOUTS = 10 * 2 ** 6;

/** More for each entry a peer lacks at the healing: with the smallest window and append, each costs a round trip. */
const CATCH_UP_MS_PER_ENTRY = 20;

/** Repairs a quorum for good, leaves the rest dead, and demands a leader, progress and stability (raft.md 2.4). */
export function liveness(cluster: SimulatedCluster, random: Random): number {
  const { scheduler, network, nodes } = cluster;
  const timeoutMs = timingProfiles.lan.electionTimeoutMaxMs;
  const core = pickCore(cluster, random);
  cluster.trace(`healing ${core.map(({ id }) => id).join()}`);
  network.healAll();
  network.faults = calmNetwork;
  cluster.maxSyncMs = 5;
  cluster.syncStall = 0;
  for (const node of nodes) {
    node.pausedUntilMs = 0;
    if (node.isUp && !core.includes(node)) cluster.crash(node);
    if (!node.isUp && core.includes(node)) node.start();
  }
  const healedMs = scheduler.nowMs;
  let proposed: LogPosition | null = null;
  const look = (): void => {
    cluster.refreshLinks();
    const { leader } = cluster;
    // A proposal may be lost with its leader; it is made again in each term until the core has converged on one.
    const term = leader?.core?.status().term;
    if (leader !== undefined && proposed?.term !== term && cluster.propose(leader)) proposed = leader.mirror.last;
    scheduler.in(LINK_REFRESH_MS, look);
  };
  look();
  const lengths = core.map(({ mirror }) => mirror.last.index);
  const backlog = Math.max(...lengths) - Math.min(...cluster.nodes.map(({ committed }) => committed.length));
  const boundMs = CONVERGE_TIMEOUTS * timeoutMs + backlog * CATCH_UP_MS_PER_ENTRY;
  const converged = (): boolean => proposed !== null && isConverged(core, cluster.leader, proposed);
  scheduler.run(healedMs + boundMs, converged);
  if (!converged()) throw new Error(`liveness: no progress within ${boundMs} ms of the healing`);
  const convergeMs = scheduler.nowMs - healedMs;
  // What the dead sent before they died may arrive after that, and make one more term.
  scheduler.run(healedMs + STRAGGLE_FACTOR * cluster.plan.network.maxDelayMs);
  scheduler.run(scheduler.nowMs + boundMs, converged);
  const hasPreferred = (): boolean => isPreferred(core, cluster.leader);
  scheduler.run(scheduler.nowMs + PREFERENCE_TIMEOUTS * timeoutMs, hasPreferred);
  if (!hasPreferred())
    throw new Error(`liveness: ${cluster.leader?.id ?? 'nobody'} leads, although another is preferred`);
  const term = cluster.leader!.core!.status().term;
  scheduler.run(scheduler.nowMs + STABLE_TIMEOUTS * timeoutMs);
  for (const node of membersOf(core, cluster.leader)) {
    const now = node.core!.status().term;
    if (now !== term)
      throw new Error(`liveness: ${node.id} is in term ${now}, not in ${term}, although nothing failed`);
  }
  return convergeMs;
}
