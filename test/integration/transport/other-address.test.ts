import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../node/src/lib/log.ts';
import type { ListedPeer, Transport } from '../../../node/src/transport/transport.ts';
import { LoopbackCluster, networkTransports, type NodeChanges } from './loopback.ts';
import { takePort } from '../../support/ports.ts';
import { Recorder } from './recorder.ts';

let cluster: LoopbackCluster;
afterEach(() => cluster.close());

interface Side {
  readonly transport: Transport;
  readonly seen: Recorder;
  readonly logged: string[];
}

async function start(index: number, id: string, changes: NodeChanges = {}): Promise<Side> {
  const logged: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => void logged.push(message) };
  const side = { transport: cluster.make(index, id, { log, ...changes }), seen: new Recorder(), logged };
  await side.transport.start(side.seen);
  return side;
}

/** The list, with the second node at a port nobody listens on. */
const misplaced = (): { readonly listed: readonly ListedPeer[]; readonly wrong: string; readonly right: string } => {
  const [first, second] = [cluster.listed[0]!, cluster.listed[1]!];
  const port = takePort();
  return {
    listed: [first, { ...second, port }],
    wrong: `127.0.0.1:${port}`,
    right: `127.0.0.1:${second.port}`,
  };
};

const up = async (...sides: Side[]): Promise<void> => {
  await Promise.all(sides.map(({ seen }) => seen.until(() => seen.up.length === 1)));
};

describe.each(networkTransports)('%s transport: another address than the list says', (_, create) => {
  it('is named on both sides with both addresses, though the peer may stay', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const { listed, wrong, right } = misplaced();
    const a = await start(0, 'a', { listed });
    const b = await start(1, 'b');
    await Promise.all([a, b].map(({ seen }) => seen.until(() => seen.problems.length === 1)));
    const reason = expect.stringContaining(
      `node "b" is at ${right} by its own CLUSTER_NODES, but at ${wrong} by that of node "a"`,
    ) as string;
    expect(a.seen.problems).toEqual([{ address: wrong, reason }]);
    expect(b.seen.problems).toEqual([{ address: b.transport.peers()[0]!.address, reason }]);
    expect([a, b].map(({ transport }) => transport.peers()[0]?.state)).toEqual(['connecting', 'connecting']);
    expect(a.logged).toEqual([reason]);
    // Neither is ever up, so nothing else says that it goes on.
    await a.seen.until(() => a.seen.again.length >= 2);
    expect(new Set(a.seen.again.map((problem) => problem.address))).toEqual(new Set([wrong]));
  });

  it('is named by a list without ids too', async () => {
    cluster = new LoopbackCluster(create, [null, null]);
    const { listed, wrong, right } = misplaced();
    const a = await start(0, 'a', { listed });
    const b = await start(1, 'b');
    await Promise.all([a, b].map(({ seen }) => seen.until(() => seen.problems.length === 1)));
    for (const { seen } of [a, b]) expect(seen.problems[0]?.reason).toMatch(new RegExp(`${right} .* ${wrong} `));
  });

  it('is logged once, though the peer comes again, and once more after it was right', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b', 'c']);
    const { listed } = misplaced();
    const identity = (session: string): NodeChanges => ({ identity: { session } });
    // Here a's list is right and that of b is wrong about b.
    const a = await start(0, 'a');
    const wrong = [...listed, cluster.listed[2]!];
    for (const session of ['one', 'two', 'three']) {
      const b = await start(1, 'b', { ...identity(session), listed: wrong });
      await up(b);
      await b.transport.close();
    }
    expect(a.logged).toHaveLength(1);
    const right = await start(1, 'b', identity('four'));
    await up(right);
    await right.transport.close();
    await up(await start(1, 'b', { ...identity('five'), listed: wrong }));
    expect(a.logged).toHaveLength(2);
  });

  it('is told again when the peer is up, as that alone repairs nothing', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const { listed } = misplaced();
    const [a, b] = [await start(0, 'a'), await start(1, 'b', { listed })];
    await up(a, b);
    for (const { seen } of [a, b]) {
      await seen.until(() => seen.order[seen.order.findIndex((event) => event.startsWith('up')) + 1] !== undefined);
      expect(seen.order.at(-1)).toMatch(/^problem /);
      expect(seen.problems.at(-1)?.reason).toContain('give both the same list');
    }
  });

  it('is over once the peer is up with the right one', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const { listed } = misplaced();
    const a = await start(0, 'a');
    const wrong = await start(1, 'b', { listed, identity: { session: 'wrong' } });
    await up(a, wrong);
    await wrong.transport.close();
    const right = await start(1, 'b', { identity: { session: 'right' } });
    await up(right);
    await a.seen.until(() => a.seen.up.length === 2);
    expect(a.seen.order.at(-1)).toBe('up b');
    expect(right.seen.problems).toEqual([]);
  });
});
