import { boundIncarnation } from '../../node/src/raft/membership.ts';
import type { SimulatedCluster } from './cluster.ts';
import { changeSome } from './draw-membership.ts';
import { allMemberships, canDecide, membershipsOf } from './memberships.ts';
import type { SimulatedNode } from './node.ts';
import { Random } from './random.ts';

/** A crash at a promise matters most when the node is back while that promise is still of the present. */
const QUICK_RESTART_MS = 20;

/** Long enough for some of a new leader's appends to arrive, and for some not to. */
const DEAD_LEADER_MS = 15;

export const LINK_REFRESH_MS = 40;

export function chaos(cluster: SimulatedCluster, seed: number, random: Random): void {
  const { plan, scheduler } = cluster;
  const whileChaos = (meanMs: number, act: () => void, by = random): void => {
    if (meanMs === Infinity) return;
    const next = (): void =>
      scheduler.in(by.exponential(meanMs), () => {
        if (scheduler.nowMs >= plan.chaosMs) return;
        act();
        next();
      });
    next();
  };
  for (const node of cluster.nodes) scheduler.in(random.between(0, 200), () => node.start());
  whileChaos(LINK_REFRESH_MS, () => cluster.refreshLinks());
  whileChaos(plan.crashMeanMs, () => crashSome(cluster, random));
  whileChaos(plan.cutMeanMs, () => cutSome(cluster, random));
  whileChaos(plan.cutMeanMs + plan.cutForMeanMs, () => cluster.network.healAll());
  whileChaos(plan.pauseMeanMs, () => {
    random.pick(cluster.nodes).pausedUntilMs = scheduler.nowMs + random.exponential(400);
  });
  whileChaos(plan.proposalMeanMs, () => {
    const at = random.chance(0.9) ? cluster.leader : random.pick(cluster.nodes);
    if (at !== undefined && scheduler.nowMs >= at.pausedUntilMs) cluster.propose(at, 1 + Math.floor(random.next() * 3));
  });
  const falseEndRandom = new Random(seed, 'false ends');
  whileChaos(
    plan.falseEndMeanMs,
    () => {
      const { leader } = cluster;
      if (plan.leaseDriftPpm !== null && leader !== undefined && falseEndRandom.chance(0.5)) {
        return cutOffAsEnded(cluster, leader);
      }
      const [witness, ended] = falseEndRandom.shuffled(cluster.nodes);
      cluster.reportFalseEnd(witness!, falseEndRandom.chance(0.5) ? (cluster.leader ?? ended!) : ended!);
    },
    falseEndRandom,
  );
  const transferRandom = new Random(seed, 'transfers');
  whileChaos(
    plan.transferMeanMs,
    () => {
      const to = transferRandom.chance(0.5) ? null : transferRandom.pick(cluster.nodes).id;
      const { leader } = cluster;
      // Not one that sleeps: it would obey when it wakes, perhaps in the phase in which nothing is asked any more.
      if (leader !== undefined && scheduler.nowMs >= leader.pausedUntilMs) leader.feed({ kind: 'transfer', to });
    },
    transferRandom,
  );
  const snapshotRandom = new Random(seed, 'snapshots');
  whileChaos(
    plan.snapshotMeanMs,
    () => {
      const node = snapshotRandom.pick(cluster.nodes);
      node.whenAwake(() => node.snapshots.take(snapshotRandom.next()));
    },
    snapshotRandom,
  );
  const readRandom = new Random(seed, 'reads');
  whileChaos(
    plan.readMeanMs,
    () => {
      // Whoever believes to lead is asked, the deposed ones most of all.
      const believers = cluster.nodes.filter(({ core }) => core?.status().role === 'leader');
      const byLease = plan.leaseDriftPpm !== null && readRandom.chance(0.7);
      if (believers.length > 0) cluster.read(readRandom.pick(believers), byLease);
    },
    readRandom,
  );
  const changeRandom = new Random(seed, 'changes');
  whileChaos(plan.changeMeanMs, () => changeSome(cluster, changeRandom), changeRandom);
  const jumpRandom = new Random(seed, 'clock jumps');
  whileChaos(
    plan.leaseDriftPpm === null ? plan.clockJumpMeanMs : Infinity,
    () => {
      const node = jumpRandom.pick(cluster.nodes);
      // From within a heartbeat to several election timeouts.
      const byMs = jumpRandom.exponential(jumpRandom.pick([20, 150, 2_000]));
      cluster.trace(`the clock of ${node.id} jumps by ${byMs.toFixed(0)} ms`);
      node.jumpClock(byMs);
    },
    jumpRandom,
  );
  const unboundRandom = new Random(seed, 'unbound');
  cluster.onPromise = (node, { kind }) => {
    if (kind === 'appendResponse' && unboundRandom.chance(plan.loseUnboundDisk) && mayLoseUnboundDisk(cluster, node)) {
      return loseUnboundDisk(cluster, node, unboundRandom);
    }
    // Elections are rare beside acknowledgements, and what a crash does to a vote is the more delicate matter.
    if (random.chance(plan.crashAtPromise * (kind === 'appendResponse' ? 0.01 : 1)))
      crashSoon(cluster, node, random, 0);
  };
  cluster.onElection = (node) => {
    if (random.chance(plan.crashAtElection)) crashSoon(cluster, node, random, random.between(0, DEAD_LEADER_MS));
  };
  scheduler.run(plan.chaosMs);
  cluster.onPromise = () => undefined;
  cluster.onElection = () => undefined;
}

function crashSome(cluster: SimulatedCluster, random: Random): void {
  const { plan } = cluster;
  const node = random.chance(plan.crashLeader) ? cluster.leader : random.pick(cluster.nodes);
  if (node?.isUp !== true) return;
  cluster.crash(node);
  if (plan.wipe && random.chance(0.2) && mayLoseDisk(cluster, node)) {
    cluster.trace(`${node.id} loses its disk`);
    node.wipe();
  }
  restartIn(cluster, node, random.exponential(plan.downMeanMs));
}

/** Not once the chaos is over: who is dead then is started by the healing, or stays dead. */
function restartIn({ scheduler, plan }: SimulatedCluster, node: SimulatedNode, afterMs: number): void {
  scheduler.in(afterMs, () => {
    if (!node.isUp && scheduler.nowMs < plan.chaosMs) node.start();
  });
}

/**
 * One lost disk is all that three members can bear, and only once all are bound, the others are enough to decide, and their disks know of the founding:
 * who does not can take the empty one for a member that was never there, and found another cluster with it (ADR 0011).
 */
function mayLoseDisk(cluster: SimulatedCluster, victim: SimulatedNode): boolean {
  if (cluster.checks.memberships.current?.unmet !== 0) return false;
  const others = cluster.nodes.filter((node) => node !== victim);
  if (!allMemberships(cluster.nodes).every((membership) => canDecide(membership, others))) return false;
  return others.every(knowsFounding) && cluster.nodes.every(({ wipedDisks }) => wipedDisks.length === 0);
}

function knowsFounding({ isSpare, disk }: SimulatedNode): boolean {
  return isSpare || disk.durable.last.index > 0 || disk.durable.hardState.foundedElsewhere;
}

/**
 * A founded cluster tells disks apart by what it binds, so one that no log binds may come back empty at any moment, unless it
 * has voted: before the founding nothing tells its vote from that of another disk.
 */
function mayLoseUnboundDisk(cluster: SimulatedCluster, node: SimulatedNode): boolean {
  if (cluster.checks.committed.length === 0 || node.disk.durable.hardState.votedFor !== null) return false;
  // Of the list those alone that were never bound: one that was removed may not forget it, and found again with others like it.
  if (!node.isSpare && cluster.checks.memberships.current?.unmet === 0) return false;
  return cluster.nodes.every(({ mirror, disk }) =>
    [mirror, disk.durable].every((log) => {
      const memberships = membershipsOf(log);
      return memberships.current === null || boundIncarnation(memberships.current, node.id) === null;
    }),
  );
}

function loseUnboundDisk(cluster: SimulatedCluster, node: SimulatedNode, random: Random): void {
  const { scheduler } = cluster;
  // Its acknowledgement is to leave first.
  scheduler.in(0, () => {
    if (!node.isUp || !mayLoseUnboundDisk(cluster, node)) return;
    cluster.crash(node);
    cluster.trace(`${node.id} loses its disk before it is bound`);
    node.replaceDisk();
    scheduler.in(random.exponential(DEAD_LEADER_MS), () => {
      if (!node.isUp) node.start();
      cluster.refreshLinks();
    });
  });
}

function crashSoon(cluster: SimulatedCluster, node: SimulatedNode, random: Random, afterMs: number): void {
  cluster.scheduler.in(afterMs, () => {
    if (!node.isUp || cluster.scheduler.nowMs >= cluster.plan.chaosMs) return;
    cluster.crash(node);
    restartIn(cluster, node, random.exponential(QUICK_RESTART_MS));
  });
}

/** All others take the leader for ended, and it hears nothing of what they do: the hardest for its lease. */
function cutOffAsEnded(cluster: SimulatedCluster, leader: SimulatedNode): void {
  const { network, nodes } = cluster;
  for (const other of nodes.filter((node) => node !== leader)) {
    network.cut(leader.id, other.id);
    network.cut(other.id, leader.id);
    // Once what is under way has arrived: a leader that is heard has not ended.
    cluster.scheduler.in(cluster.plan.network.maxDelayMs, () => cluster.reportFalseEnd(other, leader));
  }
}

function cutSome(cluster: SimulatedCluster, random: Random): void {
  const { network, nodes } = cluster;
  const mixed = random.shuffled(nodes);
  const side = mixed.slice(0, 1 + Math.floor(random.next() * (nodes.length - 1)));
  const shape = random.pick(['split', 'isolateLeader', 'oneWay', 'oneLink']);
  cluster.trace(`network: ${shape} ${side.map(({ id }) => id).join()}`);
  const [first, second] = mixed;
  if (shape === 'oneLink') return network.cut(first!.id, second!.id);
  const inside = shape === 'isolateLeader' && cluster.leader !== undefined ? [cluster.leader] : side;
  for (const a of inside) {
    for (const b of nodes.filter((node) => !inside.includes(node))) {
      network.cut(a.id, b.id);
      if (shape !== 'oneWay') network.cut(b.id, a.id);
    }
  }
}
