import { describe, expect, it } from 'vitest';
import { EventNamer, eventNames } from '../../../node/src/consensus/event-names.ts';
import type { EventName } from '../../../node/src/consensus/event-names.ts';
import { defaultSnapshotPolicy } from '../../../node/src/consensus/snapshots/policy.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { Membership } from '../../../node/src/raft/types.ts';
import type { MemoryMember } from './memory-cluster.ts';
import { MemoryCluster } from './memory-cluster.ts';

const namesOf = ({ events }: MemoryMember): EventName[] => events.flatMap(({ names }) => names);

/** Those the wanted ones come among, in that order. */
function expectInOrder(member: MemoryMember, wanted: readonly EventName[]): void {
  const names = namesOf(member);
  let from = 0;
  for (const name of wanted) {
    const at = names.indexOf(name, from);
    expect(at, `${name} after ${names.slice(0, from).join(', ')}; then ${names.slice(from).join(', ')}`).not.toBe(-1);
    from = at + 1;
  }
}

/** A leader that is cut off with an entry of its own, replaced, and taken back. */
async function eventfulLife(): Promise<{ cluster: MemoryCluster; first: MemoryMember; second: MemoryMember }> {
  const cluster = await MemoryCluster.openWith({ timings: 'auto' }, 'a', 'b', 'c');
  // Met after the founding.
  cluster.isolate('c');
  const first = await cluster.leader();
  cluster.rejoin('c');
  await cluster.propose(first, 'x');
  await cluster.time.until('all met', () => first.consensus.status().membership?.unmet === 0);
  await cluster.time.until('auto timings', () => first.consensus.status().timings.electionTimeoutMaxMs === 300);
  cluster.isolate(first.id);
  const lost = cluster.outcome(first.consensus.propose(Buffer.from('lost')));
  const second = await cluster.leader(cluster.others(first));
  expect(await lost).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  await cluster.propose(second, 'y');
  await cluster.time.until('silence noticed', () => namesOf(second).includes('node.failed'));
  cluster.rejoin(first.id);
  await cluster.allApplied(['x', 'y']);
  await cluster.time.until('recovery noticed', () => namesOf(second).includes('node.recovered'));
  await cluster.outcome(second.consensus.transferLeadership());
  await cluster.stop(second);
  return { cluster, first, second };
}

describe('what observers are told', () => {
  it('has every name there is, in the order in which things happened, numbered without gaps', async () => {
    const { first, second } = await eventfulLife();
    expectInOrder(first, [
      ...(['node.started', 'health.unhealthy', 'role.candidate', 'leader.elected', 'role.leader'] as const),
      ...(['health.degraded', 'cluster.formed', 'log.committed', 'cluster.updated', 'health.healthy'] as const),
      ...([
        'config.updated',
        'log.appended',
        'quorum.lost',
        'node.failed',
        'role.follower',
        'leader.stepdown',
      ] as const),
      ...(['leader.lost', 'health.unhealthy', 'quorum.achieved', 'health.recovering', 'log.truncated'] as const),
    ]);
    expectInOrder(second, ['node.failed', 'node.recovered', 'leader.transfer', 'leader.elected', 'node.stopped']);
    const seen = new Set([...namesOf(first), ...namesOf(second)]);
    const others = ['node.left', 'log.compacted', ...eventNames.filter((name) => name.startsWith('snapshot.'))];
    expect(eventNames.filter((name) => !seen.has(name))).toEqual(others);
    expect(first.events[0]).toMatchObject({ kind: 'started', sequence: 1 });
    for (const { events } of [first, second]) {
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => events[0]!.sequence + at));
    }
  });

  it('has a name for members that leave, and for each stage of a snapshot', async () => {
    const policy = { ...defaultSnapshotPolicy, intervalMs: 1e9, logBytes: 1e12 };
    const cluster = await MemoryCluster.openWith({ policy }, 'a', 'b', 'c');
    const leader = await cluster.leader();
    await cluster.time.until('all met', () => leader.consensus.status().membership?.unmet === 0);
    const [away, other] = cluster.others(leader) as [MemoryMember, MemoryMember];
    cluster.isolate(away.id);
    await cluster.propose(leader, 'x');
    await cluster.outcome(leader.consensus.snapshot());
    expectInOrder(leader, ['snapshot.started', 'snapshot.completed', 'log.compacted']);
    cluster.rejoin(away.id);
    await cluster.time.until('it is restored', () => namesOf(away).includes('snapshot.restored'));
    await cluster.propose(leader, 'y');
    // No array is that long, so its snapshot throws.
    leader.machine.padding = -1;
    expect(await cluster.outcome(leader.consensus.snapshot())).toBeInstanceOf(Error);
    expectInOrder(leader, ['log.compacted', 'snapshot.started', 'snapshot.failed']);
    await cluster.outcome(leader.consensus.removeNode(other.id));
    expect(namesOf(leader)).toContain('node.left');
  });

  it('is a cluster formed once in its life, and a node joined once: as a learner, not again with its vote', () => {
    const founded = foundedBy({ clusterId: 'c', voters: [{ id: 'a', incarnation: 'disk-a' }], unmet: 0 });
    const learning = { ...founded, learners: ['d'] };
    const voting = { ...founded, voters: [...founded.voters, { id: 'd', incarnation: 'disk-d' }] };
    const namesAfter = (atStart: Membership | null, ...memberships: Membership[]): readonly string[] => {
      const namer = new EventNamer('a', atStart);
      return memberships
        .map((membership) =>
          namer.namesOf({ kind: 'raft', event: { kind: 'membershipChanged', membership, index: 1 } }),
        )
        .at(-1)!;
    };
    expect(namesAfter(null, founded)).toEqual(['membership.changed', 'cluster.formed']);
    expect(namesAfter(founded, learning)).toEqual(['membership.changed', 'cluster.updated', 'node.joined']);
    expect(namesAfter(learning, voting)).toEqual(['membership.changed', 'cluster.updated']);
    expect(namesAfter(null, founded, learning, founded)).toEqual([
      'membership.changed',
      'cluster.updated',
      'node.left',
    ]);
  });

  it('can be filtered, and keeps the numbers it had', async () => {
    const cluster = await MemoryCluster.open('a');
    const elected: number[] = [];
    const [member] = [...cluster.members.values()];
    member!.consensus.subscribe(
      ({ sequence }) => elected.push(sequence),
      ({ names }) => names.includes('leader.elected'),
    );
    await cluster.leader();
    expect(elected).toEqual(
      member!.events.filter(({ names }) => names.includes('leader.elected')).map((e) => e.sequence),
    );
    expect(elected).toHaveLength(1);
    expect(elected[0]).toBeGreaterThan(1);
  });

  it('names a peer as failed once, whatever follows, and as recovered once', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    const [silent] = cluster.others(leader);
    const count = (name: EventName): number => namesOf(leader).filter((other) => other === name).length;
    cluster.isolate(silent!.id);
    await cluster.time.until('a silence', () => count('node.failed') === 1);
    await cluster.propose(leader, 'x');
    cluster.rejoin(silent!.id);
    await cluster.allApplied(['x']);
    await cluster.time.until('an answer', () => count('node.recovered') === 1);
    expect(count('node.failed')).toBe(1);
  });
});

describe('the health of a member', () => {
  it('is degraded while one of three is away, unhealthy without a leader or while the disk hangs', async () => {
    const cluster = await MemoryCluster.open('a', 'b', 'c');
    const leader = await cluster.leader();
    const health = (member: MemoryMember): string | undefined =>
      member.events.findLast((event) => event.kind === 'health')?.health;
    await cluster.time.until('health', () => health(leader) === 'healthy');
    const [away] = cluster.others(leader);
    cluster.isolate(away!.id);
    await cluster.time.until('a judgement', () => health(leader) === 'degraded' && health(away!) === 'unhealthy');
    cluster.rejoin(away!.id);
    await cluster.time.until('health', () => health(leader) === 'healthy' && health(away!) === 'healthy');
    let answer!: () => void;
    const hang = new Promise<void>((resolve) => (answer = resolve));
    cluster.syncs.set(away!.id, () => hang);
    await cluster.propose(leader, 'x');
    await cluster.time.until('the hang', () => health(away!) === 'unhealthy');
    answer();
    await cluster.time.until('the end of the hang', () => health(away!) === 'healthy');
  });
});

describe('the counters', () => {
  it('count what was done, by the event and by the clock', async () => {
    const { cluster, first, second } = await eventfulLife();
    const stats = first.consensus.stats();
    expect(stats.proposals).toMatchObject({ committed: 1, refused: 0, unknown: 1, latency: { count: 1 } });
    expect(stats.proposals.latency.maxMs).toBeGreaterThan(0);
    expect(stats.elections.won).toBeGreaterThanOrEqual(1);
    expect(stats.elections.started).toBeGreaterThanOrEqual(stats.elections.won);
    expect(stats.log.appendedBytes).toBeGreaterThan(5);
    expect(stats.log.appended).toBeGreaterThan(stats.log.committed);
    expect(stats.disk.syncs.count).toBe(stats.disk.batches);
    expect(stats.messages.sent).toBeGreaterThan(5);
    expect(stats.messages.received).toBeGreaterThan(5);
    expect(stats.messages.dropped).toBeGreaterThan(0);
    expect([first, second].reduce((sum, { consensus }) => sum + consensus.stats().votes.granted, 0)).toBeGreaterThan(0);
    expect(second.consensus.stats().transfers).toEqual({ started: 1, failed: 0 });
    expect(await cluster.propose(second, 'z')).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(second.consensus.stats().proposals.refused).toBe(1);
    const third = cluster.others(first)[0]!;
    await cluster.outcome(third.consensus.read(() => 0));
    expect(third.consensus.stats().reads).toMatchObject({ answered: 1, refused: 0 });
  });
});
