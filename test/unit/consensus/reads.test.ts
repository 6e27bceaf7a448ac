import { describe, expect, it } from 'vitest';
import { MemoryCluster } from './memory-cluster.ts';
import type { MemoryMember } from './memory-cluster.ts';

const read = (cluster: MemoryCluster, member: MemoryMember): Promise<unknown> =>
  cluster.outcome(member.consensus.read(() => [...member.machine.applied]));

describe('a read without a log entry', () => {
  it('sees on any member what any leader has acknowledged before (D4)', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    const { lastIndex } = leader.consensus.status();
    await cluster.propose(leader, 'x');
    for (const member of cluster.members.values()) expect(await read(cluster, member)).toEqual(['x']);
    expect(leader.consensus.status().lastIndex).toBe(lastIndex + 1);
  });

  it('of a leader that is cut off is refused, and never shows what is out of date', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    await cluster.propose(first, 'x');
    cluster.isolate(first.id);
    const stale = first.consensus.read(() => [...first.machine.applied]);
    const second = await cluster.leader(cluster.others(first));
    await cluster.propose(second, 'y');
    expect(await cluster.outcome(stale)).toMatchObject({ code: 'NOT_LEADER' });
    expect(await read(cluster, second)).toEqual(['x', 'y']);
    cluster.rejoin(first.id);
    await cluster.allApplied(['x', 'y']);
    expect(await read(cluster, first)).toEqual(['x', 'y']);
  });

  it('is refused without a leader, and at the end', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    const [follower] = cluster.others(leader);
    cluster.isolate(follower!.id);
    await cluster.time.until('no leader', () => follower!.consensus.status().leaderId === null);
    expect(await read(cluster, follower!)).toMatchObject({ code: 'NOT_LEADER', message: 'no leader is known' });
    const last = leader.consensus.read(() => 0);
    await cluster.stop(leader);
    expect(await cluster.outcome(last)).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(await read(cluster, leader)).toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
