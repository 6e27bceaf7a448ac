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

const byLease = (cluster: MemoryCluster, member: MemoryMember): Promise<unknown> =>
  cluster.outcome(member.consensus.read(() => [...member.machine.applied], { consistency: 'lease' }));

describe('a read by lease', () => {
  const lease = { maxClockDriftPpm: 500 };

  it('is answered by the leader without a word to anybody, and on a follower by one question to the leader', async () => {
    const cluster = await MemoryCluster.openWith({ lease }, 'a', 'b', 'c');
    const leader = await cluster.leader();
    await cluster.propose(leader, 'x');
    const beats = leader.consensus.stats().messages.sent;
    await cluster.time.until('promises', () => leader.consensus.stats().messages.sent > beats + 4);
    const { sent } = leader.consensus.stats().messages;
    const beganMs = cluster.time.nowMs;
    expect(await byLease(cluster, leader)).toEqual(['x']);
    expect(cluster.time.nowMs).toBe(beganMs);
    expect(leader.consensus.stats().messages.sent).toBe(sent);
    expect(await byLease(cluster, cluster.others(leader)[0]!)).toEqual(['x']);
    expect(leader.consensus.stats().messages.sent).toBe(sent);
  });

  it('is refused where the member was opened without one, or with timings that change', async () => {
    const cluster = await MemoryCluster.open('a');
    expect(await byLease(cluster, await cluster.leader())).toMatchObject({ code: 'SETTINGS_INVALID' });
    await expect(MemoryCluster.openWith({ lease, timings: 'auto' }, 'a')).rejects.toThrow(/timings change/);
    await expect(MemoryCluster.openWith({ lease: { maxClockDriftPpm: -1 } }, 'a')).rejects.toThrow(/from 0 to/);
  });

  it('a stale read is answered by any member, also one that is cut off, until its end', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    await cluster.propose(leader, 'x');
    await cluster.allApplied(['x']);
    const [away] = cluster.others(leader);
    cluster.isolate(away!.id);
    await cluster.propose(leader, 'y');
    const stale = (): Promise<unknown> =>
      cluster.outcome(away!.consensus.read(() => [...away!.machine.applied], { consistency: 'stale' }));
    expect(await stale()).toEqual(['x']);
    await cluster.stop(away!);
    expect(await stale()).toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
