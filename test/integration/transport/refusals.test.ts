import { afterEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../node/src/lib/log.ts';
import type { PeerIdentity, Transport } from '../../../node/src/transport/transport.ts';
import { LoopbackCluster, networkTransports, type NodeChanges } from './loopback.ts';
import { Recorder } from './recorder.ts';

let cluster: LoopbackCluster;
afterEach(() => cluster.close());

interface Side {
  readonly transport: Transport;
  readonly seen: Recorder;
}

async function start(index: number, id: string, changes: NodeChanges = {}): Promise<Side> {
  const side = { transport: cluster.make(index, id, changes), seen: new Recorder() };
  await side.transport.start(side.seen);
  return side;
}

const problemNamed = async ({ transport, seen }: Side, ...words: string[]): Promise<void> => {
  // The peer may be refused at our door before our own dialler has reached it: both must be seen.
  await seen.until(
    () =>
      seen.problems.some(({ reason }) => words.every((word) => reason.includes(word))) &&
      transport.peers()[0]?.state === 'refused',
  );
  expect(transport.peers()[0]?.problem).toEqual(expect.any(String));
  expect(seen.up).toEqual([]);
};

describe.each(networkTransports)('%s transport: who may not take part is named on both sides', (_, create) => {
  it('a wrong secret', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const a = await start(0, 'a', { security: { secret: 'one', tls: null } });
    const b = await start(1, 'b', { security: { secret: 'two', tls: null } });
    await Promise.all([problemNamed(a, 'secrets', '"b"'), problemNamed(b, 'secrets', '"a"')]);
  });

  it('a foreign cluster (M13)', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const a = await start(0, 'a', { identity: { clusterId: 'cluster-one' } });
    const b = await start(1, 'b', { identity: { clusterId: 'cluster-two' } });
    await Promise.all([problemNamed(a, 'cluster-one', 'cluster-two'), problemNamed(b, 'cluster-one', 'cluster-two')]);
  });

  it('another id than the list says', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const a = await start(0, 'a');
    const c = await start(1, 'c');
    const address = a.transport.peers()[0]!.address;
    await Promise.all([problemNamed(a, address, '"b"', '"c"'), problemNamed(c, '"b"', '"c"')]);
  });

  it('a stranger in the place of a peer, by either way it meets us, is a problem of that place', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const own = cluster.listed.map((peer, index) => (index === 1 ? { ...peer, id: 'z' } : peer));
    const z = await start(1, 'z', { listed: own });
    const a = await start(0, 'a');
    const { address } = a.transport.peers()[0]!;
    // Each side has dialled the other, and is refused again and again.
    await Promise.all([a, z].map(({ seen }) => seen.until(() => seen.again.length >= 2)));
    expect(new Set([...a.seen.problems, ...a.seen.again].map((problem) => problem.address))).toEqual(
      new Set([address]),
    );
  });

  it('a list of another size', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const a = await start(0, 'a');
    const b = await start(1, 'b', { identity: { listedSize: 5 } });
    await Promise.all([problemNamed(a, '2 members', '5'), problemNamed(b, '2', '5')]);
  });

  it('our own id, answered by another process', async () => {
    cluster = new LoopbackCluster(create, [null, null]);
    const first = await start(0, 'a', { identity: { session: 's1' } });
    const second = await start(1, 'a', { identity: { session: 's2' } });
    await Promise.all([problemNamed(first, 'two processes', '"a"'), problemNamed(second, 'two processes', '"a"')]);
  });

  it('a second process under the id of a peer that is up, which stays up', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b', null]);
    const a = await start(0, 'a');
    const b = await start(1, 'b');
    await a.seen.until(() => a.seen.up.length === 1);
    const impostor = await start(2, 'b', { identity: { session: 'impostor' } });
    await Promise.all(
      [a, impostor].map(({ seen }) => seen.until(() => seen.problems.some(({ reason }) => reason.includes('"b"')))),
    );
    expect(a.seen.down).toEqual([]);
    expect(b.transport.peers()[0]?.state).toBe('connected');
    expect(a.transport.send('b', { kind: 'response', requestId: 1, body: new Uint8Array() })).toBe(true);
  });

  it('reports one problem once, though the peer tries again', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const a = await start(0, 'a', { identity: { clusterId: 'cluster-one' } });
    const b = await start(1, 'b', { identity: { clusterId: 'cluster-two' } });
    await Promise.all([problemNamed(a, 'cluster-one'), problemNamed(b, 'cluster-one')]);
    await b.transport.close();
    // The same mistake again, from a new process.
    const again = await start(1, 'b', { identity: { clusterId: 'cluster-two', session: 'later' } });
    await problemNamed(again, 'cluster-one');
    await again.transport.close();
    // Once the right one is up, every attempt of the wrong ones has been dealt with.
    const right = await start(1, 'b', { identity: { clusterId: 'cluster-one', session: 'last' } });
    await Promise.all([a, right].map(({ seen }) => seen.until(() => seen.up.length === 1)));
    const reasons = a.seen.problems.map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(reasons.length);
  });

  it('a peer that is refused whenever it is up is called connected and lost once on either side', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const said: Record<string, string[]> = { a: [], b: [] };
    const logOf = (id: string): NodeChanges => ({
      log: { ...silentLog, info: (_fields: object, message: string) => void said[id]!.push(message) },
    });
    const b = await start(1, 'b', logOf('b'));
    const transport = cluster.make(0, 'a', logOf('a'));
    class Refusing extends Recorder {
      override onPeerUp(peer: PeerIdentity): void {
        super.onPeerUp(peer);
        transport.refuse(peer.nodeId, 'its disk was replaced');
      }
    }
    const seen = new Refusing();
    await transport.start(seen);
    await Promise.all([seen, b.seen].map((each) => each.until(() => each.down.length === 2)));
    const lost = expect.stringMatching(/^lost: refused: .*its disk was replaced/) as string;
    expect(said).toEqual({ a: ['connected', lost], b: ['connected', lost] });
  });

  it('lets a corrected peer in without a restart of the others', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const a = await start(0, 'a');
    const wrong = await start(1, 'c');
    await problemNamed(a, '"c"');
    await wrong.transport.close();
    const right = await start(1, 'b');
    await Promise.all([a, right].map(({ seen }) => seen.until(() => seen.up.length === 1)));
    expect(a.transport.peers()[0]).toMatchObject({ state: 'connected', problem: null });
  });

  it('nobody at the address: says that alone, in words that stay the same', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const { transport } = await start(0, 'a');
    const { port } = cluster.listed[1]!;
    await vi.waitFor(
      () => expect(transport.peers()[0]?.problem).toBe(`reset: connect ECONNREFUSED 127.0.0.1:${port}`),
      10_000,
    );
  });
});
