import { expect, it } from 'vitest';
import { createService } from '../../../node/src/consensus/service.ts';
import type { ClusterInfo } from '../../../node/src/consensus/service.ts';
import type { Consensus, ConsensusStatus, StateMachine } from '../../../node/src/consensus/consensus.ts';
import { Session } from '../../../node/src/consensus/sessions/session.ts';
import { Sessions } from '../../../node/src/consensus/sessions/sessions.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import type { Member, VoterSet } from '../../../node/src/raft/types.ts';
import type { PeerStatus } from '../../../node/src/transport/transport.ts';
import { MemoryCluster } from './memory-cluster.ts';

it('the service says of a member what the member says of itself, and acts through it', async () => {
  const machines = new Map<string, Sessions<string>>();
  const cluster = await MemoryCluster.openWith(
    {
      around: (recorder, id) => {
        machines.set(id, new Sessions<string>(recorder));
        return machines.get(id) as unknown as StateMachine<string>;
      },
    },
    ...['a', 'b', 'c'],
  );
  for (const { id, consensus } of cluster.members.values()) machines.get(id)!.serve(consensus);
  const leader = await cluster.leader();
  await cluster.time.until('all met', () => leader.consensus.status().membership?.unmet === 0);
  const { clock } = cluster.time;
  const opening = machines.get(leader.id)!.open(leader.consensus, { clock });
  await cluster.outcome(opening);
  const service = createService(leader.consensus, await opening);
  expect([service.isLeader(), service.getLeader(), service.getRole()]).toEqual([true, leader.id, 'leader']);
  expect(service.getTerm()).toBe(leader.consensus.status().term);
  expect(await cluster.outcome(service.apply(Buffer.from('x')))).toBe('X');
  expect(await cluster.outcome(service.read(() => [...leader.machine.applied]))).toEqual(['x']);
  expect(service.getStats().proposals.committed).toBe(2);
  expect(service.getClusterInfo()).toMatchObject({
    ...{ id: `founded-by-${leader.id}`, leader: leader.id, totalNodes: 3, reachedNodes: 3, hasQuorum: true },
  });
  const [away] = cluster.others(leader);
  cluster.isolate(away!.id);
  await cluster.time.until('a loss', () => service.getClusterInfo().reachedNodes === 2);
  expect(service.getClusterInfo().nodes.find(({ id }) => id === away!.id)).toMatchObject({ isReached: false });
  expect(await cluster.outcome(service.stepDown())).toBeUndefined();
  expect(service.getRole()).toBe('follower');
  expect(await cluster.outcome(service.stepDown())).toMatchObject({ code: 'NOT_LEADER' });
});

it('the service changes the members and takes snapshots as the member does', async () => {
  const calls: unknown[] = [];
  const member = new Proxy({} as Consensus<unknown>, {
    get:
      (_target, name) =>
      (...args: unknown[]) => {
        calls.push([name, ...args]);
        return Promise.resolve();
      },
  });
  const service = createService(member, Object.create(Session.prototype) as Session<string>);
  await service.addNode('d', '127.0.0.1:7000');
  for (const change of ['promote', 'demote', 'removeNode'] as const) await service[change]('d');
  await service.snapshot();
  const changes = ['promote', 'demote', 'removeNode'].map((change) => [change, 'd']);
  expect(calls).toEqual([['addNode', 'd', '127.0.0.1:7000'], ...changes, ['snapshot']]);
});

it('counts learners among the nodes and not for the quorum, of which a change of members needs two, each under its own disk', () => {
  const of = (...ids: string[]): Member[] => ids.map((id) => ({ id, incarnation: `disk-${id}` }));
  const membership = { ...foundedBy({ clusterId: 'c', voters: of('a', 'b', 'c'), unmet: 0 }), learners: ['e'] };
  const peer = (id: string, incarnation = `disk-${id}`): PeerStatus =>
    ({ state: 'connected', identity: { nodeId: id, incarnation } }) as PeerStatus;
  const infoOf = (outgoing: VoterSet | null, ...peers: PeerStatus[]): ClusterInfo => {
    const status = { nodeId: 'a', membership: { ...membership, outgoing } } as unknown as ConsensusStatus;
    const member = { status: () => status, peers: () => peers } as Partial<Consensus<unknown>> as Consensus<unknown>;
    return createService(member, Object.create(Session.prototype) as Session<string>).getClusterInfo();
  };
  const info = infoOf(null, peer('b'), peer('e'));
  expect(info).toMatchObject({ totalNodes: 4, reachedNodes: 3, hasQuorum: true });
  expect(info.nodes.map(({ id, isVoter }) => [id, isVoter])).toEqual([
    ...(['a', 'b', 'c'] as const).map((id) => [id, true]),
    ['e', false],
  ]);
  expect(infoOf(null, peer('b', 'another disk'), peer('e')).hasQuorum).toBe(false);
  const before = { voters: of('a', 'f', 'g'), unmet: 0 };
  expect(infoOf(before, peer('b'))).toMatchObject({ totalNodes: 6, hasQuorum: false });
  expect(infoOf(before, peer('b'), peer('g'))).toMatchObject({ hasQuorum: true });
});

it('a leader that nobody can take over from resigns, and lets two election timeouts pass before it tries again', async () => {
  const cluster = await MemoryCluster.open('a');
  const alone = await cluster.leader();
  expect(await cluster.outcome(alone.consensus.stepDown())).toBeUndefined();
  expect(alone.consensus.status()).toMatchObject({ role: 'follower', leading: false });
  const beganMs = cluster.time.nowMs;
  await cluster.leader();
  expect(cluster.time.nowMs - beganMs).toBeGreaterThanOrEqual(2 * timingProfiles.lan.electionTimeoutMaxMs);
});
