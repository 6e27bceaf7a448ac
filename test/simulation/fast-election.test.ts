import { describe, expect, it } from 'vitest';
import { timingProfiles } from '../../node/src/raft/types.ts';
import type { FaultPlan } from './faults.ts';
import { led, quiet, runUntil } from './quiet.ts';

const { electionTimeoutMinMs } = timingProfiles.lan;
const seeds = Array.from({ length: 100 }, (_, at) => at + 1);

/** Milliseconds from the death of the leader until another one leads. */
function failoverMs(seed: number, plan: FaultPlan): number {
  const cluster = led(seed, plan);
  const dead = cluster.leader!;
  const diedMs = cluster.scheduler.nowMs;
  cluster.crash(dead);
  runUntil(cluster, 5_000, () => cluster.leader !== undefined);
  return cluster.scheduler.nowMs - diedMs;
}

describe('a leader whose process ends', () => {
  it.each([3, 5])('is replaced among %i long before an election timeout', (size) => {
    const sorted = seeds.map((seed) => failoverMs(seed, quiet(size))).sort((a, b) => a - b);
    expect(sorted[49]).toBeLessThan(electionTimeoutMinMs / 4);
    expect(sorted[98]).toBeLessThan(electionTimeoutMinMs);
  });

  it.each([3, 5])('is replaced among %i as well where a hop takes longer than a step, and a write too', (size) => {
    const slow = { ...quiet(size), network: { ...quiet(size).network, maxDelayMs: 8 }, maxSyncMs: 8 };
    const sorted = seeds.map((seed) => failoverMs(seed, slow)).sort((a, b) => a - b);
    expect(sorted[49]).toBeLessThan(electionTimeoutMinMs / 2);
    expect(sorted[98]).toBeLessThan(electionTimeoutMinMs);
  });

  it('is replaced by the timeout where nobody hears of its end', () => {
    const sorted = seeds.map((seed) => failoverMs(seed, { ...quiet(3), maxEndNewsMs: Infinity }));
    expect(Math.min(...sorted)).toBeGreaterThan(electionTimeoutMinMs - timingProfiles.lan.heartbeatMs);
  });
});

it('a leader that lives stays, whoever takes it for ended', () => {
  for (const seed of seeds.slice(0, 30)) {
    const cluster = led(seed, quiet(3));
    const { term } = cluster.leader!.core!.status();
    for (let round = 0; round < 20; round += 1) {
      const witness = cluster.nodes.filter((node) => node !== cluster.leader)[round % 2]!;
      cluster.reportFalseEnd(witness, cluster.leader!);
      cluster.scheduler.run(cluster.scheduler.nowMs + 60);
      cluster.refreshLinks();
      runUntil(cluster, 100, () => witness.core!.status().leaderId === cluster.leader?.id);
    }
    for (const { core } of cluster.nodes) expect(core!.status().term).toBe(term);
  }
});
