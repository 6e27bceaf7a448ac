import { expect, it } from 'vitest';
import { timingProfiles } from '../../node/src/raft/types.ts';
import { led, quiet, runUntil } from './quiet.ts';

it('a leader that hands over is followed by its target, with hardly a pause and nothing lost', () => {
  const pausesMs: number[] = [];
  for (let seed = 1; seed <= 100; seed += 1) {
    const cluster = led(seed, quiet(seed % 2 === 0 ? 3 : 5));
    const old = cluster.leader!;
    expect(cluster.propose(old, 5)).toBe(true);
    const beganMs = cluster.scheduler.nowMs;
    old.step({ kind: 'transfer', to: null });
    runUntil(cluster, 1_000, () => cluster.leader !== old && cluster.leader?.core?.status().committedInTerm === true);
    pausesMs.push(cluster.scheduler.nowMs - beganMs);
    expect(cluster.leader!.core!.status()).toMatchObject({ term: old.core!.status().term });
    const commands = cluster.leader!.committed.filter(({ kind }) => kind === 'command');
    expect(commands).toHaveLength(5);
  }
  expect(Math.max(...pausesMs)).toBeLessThan(timingProfiles.lan.electionTimeoutMinMs / 2);
});
