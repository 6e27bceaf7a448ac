import { describe, expect, it } from 'vitest';
import { timingProfiles } from '../../node/src/raft/types.ts';
import type { SimulatedCluster } from './cluster.ts';
import { led, quiet, runUntil } from './quiet.ts';

const { electionTimeoutMaxMs } = timingProfiles.lan;

function cutBothWays(cluster: SimulatedCluster, a: number, b: number): void {
  const [one, other] = [cluster.nodes[a]!.id, cluster.nodes[b]!.id];
  cluster.network.cut(one, other);
  cluster.network.cut(other, one);
}

/** A leader that commits what it is given, and a term that does not change for twenty election timeouts. */
function expectStable(cluster: SimulatedCluster, among: readonly number[]): void {
  const nodes = among.map((at) => cluster.nodes[at]!);
  runUntil(cluster, 20 * electionTimeoutMaxMs, () => nodes.includes(cluster.leader!));
  cluster.scheduler.run(cluster.scheduler.nowMs + 10 * electionTimeoutMaxMs);
  const leader = cluster.leader!;
  const before = leader.committed.length;
  expect(cluster.propose(leader)).toBe(true);
  runUntil(cluster, electionTimeoutMaxMs, () => leader.committed.length > before);
  const { term } = leader.core!.status();
  cluster.scheduler.run(cluster.scheduler.nowMs + 20 * electionTimeoutMaxMs);
  for (const { core } of nodes) expect(core!.status()).toMatchObject({ term, leaderId: leader.id });
}

describe('five members', () => {
  it('L6: in a partial mesh, where the fourth sees only the second and the fifth only the third, keep a leader', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cluster = led(seed, quiet(5));
      for (const [a, b] of [
        [3, 0],
        [3, 2],
        [3, 4],
        [4, 0],
        [4, 1],
      ] as const)
        cutBothWays(cluster, a, b);
      cluster.refreshLinks();
      expectStable(cluster, [0, 1, 2]);
    }
  });

  it('L7: a leader that can send and hears nobody, or hears and cannot send, is replaced', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cluster = led(seed, quiet(5));
      const deaf = cluster.leader!;
      for (const { id } of cluster.nodes.filter((node) => node !== deaf)) {
        if (seed % 2 === 0) cluster.network.cut(id, deaf.id);
        else cluster.network.cut(deaf.id, id);
      }
      runUntil(cluster, 20 * electionTimeoutMaxMs, () => deaf.core!.status().role !== 'leader');
      const others = cluster.nodes.flatMap((node, at) => (node === deaf ? [] : [at]));
      runUntil(cluster, 20 * electionTimeoutMaxMs, () => others.includes(cluster.nodes.indexOf(cluster.leader!)));
      runUntil(cluster, electionTimeoutMaxMs, () => cluster.leader?.core?.status().committedInTerm === true);
      expect(cluster.propose(cluster.leader!)).toBe(true);
    }
  });

  it('L8: elect and commit while two of them are down', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cluster = led(seed, quiet(5));
      const dead = [cluster.leader!, cluster.nodes.find((node) => node !== cluster.leader)!];
      for (const node of dead) cluster.crash(node);
      expectStable(
        cluster,
        cluster.nodes.flatMap((node, at) => (dead.includes(node) ? [] : [at])),
      );
    }
  });
});
