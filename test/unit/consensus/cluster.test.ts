import { describe, expect, it } from 'vitest';
import { MemoryCluster } from './memory-cluster.ts';

const kinds = (events: readonly { readonly kind: string }[]): string[] => events.map(({ kind }) => kind);

describe('three members with real cores on virtual time', () => {
  it('found one cluster and apply what its leader is told', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    expect(await cluster.propose(leader, 'x')).toMatchObject({ result: 'X' });
    await cluster.allApplied(['x']);
    const ids = [...cluster.members.values()].map(({ consensus }) => consensus.status().membership!.clusterId);
    expect(new Set(ids)).toEqual(new Set([`founded-by-${leader.id}`]));
    expect(leader.events).toContainEqual(
      expect.objectContaining({ kind: 'leadershipGained', term: leader.consensus.status().term }),
    );
  });

  it('one member alone is a cluster', async () => {
    const cluster = await MemoryCluster.open('a');
    const leader = await cluster.leader();
    expect(await cluster.propose(leader, 'x')).toMatchObject({ result: 'X' });
  });

  it('a leader that closes settles its proposals, and another takes over', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    await cluster.propose(first, 'x');
    const pending = first.consensus.propose(Buffer.from('y'));
    cluster.time.runDeferred();
    const outcome = cluster.outcome(pending);
    await cluster.stop(first);
    expect(await outcome).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const second = await cluster.leader();
    expect(second.id).not.toBe(first.id);
    expect(await cluster.propose(second, 'z')).toMatchObject({ result: 'Z' });
  });

  it('a leader that is cut off gives up its proposals as unknown and follows the new one after its return', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    await cluster.propose(first, 'x');
    cluster.isolate(first.id);
    expect(await cluster.propose(first, 'lost')).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(kinds(first.events).filter((kind) => kind.startsWith('leadership'))).toEqual([
      'leadershipGained',
      'leadershipLost',
    ]);
    const second = await cluster.leader(cluster.others(first));
    await cluster.propose(second, 'y');
    cluster.rejoin(first.id);
    await cluster.allApplied(['x', 'y']);
    expect(await cluster.propose(first, 'z')).toMatchObject({ code: 'NOT_LEADER' });
  });

  it('a leader whose disk hangs loses the leadership although it lives (L10)', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    await cluster.propose(first, 'x');
    let answer!: () => void;
    const hang = new Promise<void>((resolve) => (answer = resolve));
    cluster.syncs.set(first.id, () => hang);
    void first.consensus.propose(Buffer.from('y')).catch(() => undefined);
    const second = await cluster.leader(cluster.others(first));
    expect(first.consensus.status().leading).toBe(false);
    expect(await cluster.propose(second, 'z')).toMatchObject({ result: 'Z' });
    cluster.syncs.delete(first.id);
    answer();
    await cluster.time.until('the slow one to catch up', () => first.machine.applied.at(-1) === 'z');
    expect(first.machine.applied).toEqual(second.machine.applied);
  });

  it('a follower whose disk hangs holds nobody up, and catches up under the same leader (H4, R18)', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    const { term } = leader.consensus.status();
    const [slow] = cluster.others(leader);
    let answer!: () => void;
    const hang = new Promise<void>((resolve) => (answer = resolve));
    cluster.syncs.set(slow!.id, () => hang);
    const texts = Array.from({ length: 200 }, (_, at) => `x${at}`);
    for (const text of texts) expect(await cluster.propose(leader, text)).toMatchObject({ result: text.toUpperCase() });
    const untilMs = cluster.time.nowMs + 5_000;
    await cluster.time.until('five seconds of it', () => cluster.time.nowMs >= untilMs);
    expect(slow!.machine.applied).not.toContain('x199');
    cluster.syncs.delete(slow!.id);
    answer();
    await cluster.allApplied(texts);
    expect(leader.consensus.status()).toMatchObject({ role: 'leader', term });
  });

  it('a leader whose disk fails ends, and another takes over (L11, W5)', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const first = await cluster.leader();
    cluster.syncs.set(first.id, () => Promise.reject(new Error('input/output error')));
    expect(await cluster.propose(first, 'x')).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(first.events).toContainEqual(expect.objectContaining({ kind: 'fatal' }));
    await cluster.leader(cluster.others(first));
  });

  it('a member that restarts on its disk applies the log once, in order (H2)', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    for (const text of ['x', 'y']) await cluster.propose(leader, text);
    await cluster.allApplied(['x', 'y']);
    const follower = cluster.others(leader)[0]!;
    await cluster.stop(follower);
    await cluster.propose(leader, 'z');
    const restarted = await cluster.start(follower.id);
    await cluster.allApplied(['x', 'y', 'z']);
    await cluster.propose(leader, 'after');
    await cluster.allApplied(['x', 'y', 'z', 'after']);
    expect(restarted.events.some(({ kind }) => kind === 'fatal')).toBe(false);
  });

  it('a process that stood still for five seconds elects nobody: what waited in the sockets counts first (H5)', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    await cluster.propose(leader, 'x');
    await cluster.allApplied(['x']);
    const { term } = leader.consensus.status();
    cluster.time.advance(5_000);
    expect(await cluster.propose(leader, 'y')).toMatchObject({ result: 'Y' });
    expect(leader.consensus.status()).toMatchObject({ term, leading: true });
  });

  it('ask each other and are told at once when the other is gone', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    await cluster.leader();
    const [a, b] = [cluster.members.get('a')!, cluster.members.get('b')!];
    b.consensus.handle('greet', (body, from) =>
      Promise.resolve(Buffer.from(`${from} said ${Buffer.from(body).toString()}`)),
    );
    const answer = await cluster.outcome(a.consensus.request('b', 'greet', Buffer.from('hello'), 1_000));
    expect(Buffer.from(answer as Uint8Array).toString()).toBe('a said hello');
    b.consensus.handle('never', () => new Promise(() => undefined));
    const lost = a.consensus.request('b', 'never', Buffer.from(''), 60_000);
    cluster.time.runDeferred();
    cluster.network.disconnect('a', 'b');
    expect(await cluster.outcome(lost)).toMatchObject({ code: 'PEER_LOST' });
  });
});
