import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { portsOf } from '../../support/ports.ts';
import { eventually } from './eventually.ts';
import type { RealNode } from './real-node.ts';
import { openRealNode } from './real-node.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const outcomeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'applied',
    (error: unknown) => (error as { code: string }).code,
  );

let dataDir: string;
let nodes: RealNode[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tutti-consensus-'));
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  nodes = [];
  await rm(dataDir, { recursive: true });
});

async function open(ids: readonly string[], ports: ReadonlyMap<string, number>): Promise<RealNode[]> {
  const opened = await Promise.all(ids.map((id) => openRealNode({ id, ports, dataDir: join(dataDir, id) })));
  nodes.push(...opened);
  return opened;
}

async function close(node: RealNode): Promise<void> {
  nodes = nodes.filter((other) => other !== node);
  await node.close();
}

const leaderOf = (members: readonly RealNode[]): Promise<RealNode> =>
  eventually('a leader that has applied an entry of its term', () =>
    members.find(({ consensus }) => consensus.status().leading),
  );

describe('three nodes on loopback, with log on disk and gRPC between them', () => {
  it('elect one leader, apply the same commands in the same order, and answer each other', async () => {
    const members = await open(['a', 'b', 'c'], await portsOf('a', 'b', 'c'));
    const leader = await leaderOf(members);
    const results = await Promise.all(['x', 'y', 'z'].map((text) => leader.consensus.propose(bytes(text))));
    expect(results.map(({ result }) => result)).toEqual([1, 2, 3]);
    await eventually('all three to apply', () => members.every(({ ledger }) => ledger.applied.length === 3));
    expect(members.map(({ ledger }) => ledger.applied)).toEqual(Array(3).fill(['x', 'y', 'z']));

    const follower = members.find((node) => node !== leader)!;
    const answer = await follower.consensus.request(leader.id, 'echo', bytes('hello'), 10_000);
    expect(Buffer.from(answer).toString()).toBe('hello');
    await expect(follower.consensus.propose(bytes('no'))).rejects.toMatchObject({
      code: 'NOT_LEADER',
      message: expect.stringContaining(`"${leader.id}"`) as string,
    });
    const offset = await eventually('a measured clock', () => follower.consensus.clockOffset(leader.id));
    // One clock, read in one process: the offset is zero within what the measurement claims.
    expect(Math.abs(offset.offsetMs)).toBeLessThanOrEqual(offset.errorMs + 1);
  });

  it('go on under a new leader when theirs closes, and no proposal is left without an outcome (H3)', async () => {
    const members = await open(['a', 'b', 'c'], await portsOf('a', 'b', 'c'));
    const first = await leaderOf(members);
    await first.consensus.propose(bytes('before'));
    const pending = Array.from({ length: 50 }, (_, at) => outcomeOf(first.consensus.propose(bytes(`p${at}`))));
    await close(first);
    const outcomes = await Promise.all(pending);
    expect(outcomes.filter((outcome) => !['applied', 'OUTCOME_UNKNOWN', 'SHUTTING_DOWN'].includes(outcome))).toEqual(
      [],
    );

    const survivors = members.filter((node) => node !== first);
    const second = await leaderOf(survivors);
    await second.consensus.propose(bytes('after'));
    await eventually('both survivors to apply', () =>
      survivors.every(({ ledger }) => ledger.applied.at(-1) === 'after'),
    );
    expect(survivors[0]!.ledger.applied).toEqual(survivors[1]!.ledger.applied);
    expect(survivors[0]!.ledger.applied[0]).toBe('before');
  });

  it('replay their log once after a restart of all, and stay the same cluster (H2)', async () => {
    const ports = await portsOf('a', 'b', 'c');
    const members = await open(['a', 'b', 'c'], ports);
    const leader = await leaderOf(members);
    const texts = Array.from({ length: 300 }, (_, at) => `c${at}`);
    await Promise.all(texts.map((text) => leader.consensus.propose(bytes(text))));
    const clusterId = leader.consensus.status().membership!.clusterId;
    // One that has nothing but its founding cannot say after a restart which cluster it belongs to (ADR 40).
    await eventually('all to apply', () => members.every(({ ledger }) => ledger.applied.length === texts.length));
    await Promise.all(members.map(close));

    const restarted = await open(['a', 'b', 'c'], ports);
    await eventually('all to apply again', () => restarted.every(({ ledger }) => ledger.applied.length >= 300));
    for (const { ledger, consensus } of restarted) {
      expect(ledger.applied).toEqual(texts);
      expect(consensus.status().membership!.clusterId).toBe(clusterId);
      expect(consensus.peers().map(({ identity }) => identity?.clusterId)).toEqual([clusterId, clusterId]);
    }
  });

  it('refuse a member that comes back with an empty disk, and name it on both sides', async () => {
    const ports = await portsOf('a', 'b', 'c');
    const members = await open(['a', 'b', 'c'], ports);
    const leader = await leaderOf(members);
    await eventually('all three to be bound', () => leader.consensus.status().membership?.unmet === 0);
    await leader.consensus.propose(bytes('x'));
    const wiped = members.find((node) => node !== leader)!;
    await close(wiped);
    await rm(join(dataDir, wiped.id), { recursive: true });
    const [stranger] = await open([wiped.id], ports);
    await eventually('the leader to name the wiped disk', () =>
      leader.consensus.status().problems.some(({ reason }) => reason.includes('disk was replaced')),
    );
    await eventually('the wiped node to be told', () => stranger!.consensus.status().problems.length > 0);
    expect(stranger!.ledger.applied).toEqual([]);
    await expect(leader.consensus.propose(bytes('y'))).resolves.toMatchObject({ result: 2 });
  });
});
