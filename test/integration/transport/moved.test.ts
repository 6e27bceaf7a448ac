import { afterEach, describe, expect, it } from 'vitest';
import { takePort } from '../../support/ports.ts';
import { LoopbackCluster, networkTransports } from './loopback.ts';
import { Recorder } from './recorder.ts';

let cluster: LoopbackCluster;
afterEach(() => cluster.close());

describe.each(networkTransports)('%s transport: a peer at another address', (_, create) => {
  it('M11: one that moved is the same peer as soon as it is known where it is', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const [first, second] = [cluster.listed[0]!, cluster.listed[1]!];
    const port = takePort();
    const [a, b] = [
      cluster.make(0, 'a'),
      cluster.make(1, 'b', { listed: [first, { ...second, port }], bind: { ...second, port } }),
    ];
    const [seenA, seenB] = [new Recorder(), new Recorder()];
    await a.start(seenA);
    await b.start(seenB);
    // It has reached a, but not the other way round.
    await seenA.until(() => seenA.problems.length > 0);
    a.movePeer('b', `127.0.0.1:${port}`);
    await Promise.all([seenA, seenB].map((seen) => seen.until(() => seen.up.length === 1)));
    expect(a.peers()).toMatchObject([{ address: `127.0.0.1:${port}`, expectedId: 'b', state: 'connected' }]);
    expect(a.send('b', { kind: 'request', requestId: 1, method: 'm', body: new Uint8Array(1) })).toBe(true);
    await seenB.until(() => seenB.frames.length === 1);
  });

  it('one that is connected stays where it is, whatever is said of it, and so does one that is unknown', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const [a, b] = [cluster.make(0, 'a'), cluster.make(1, 'b')];
    const [seenA, seenB] = [new Recorder(), new Recorder()];
    await a.start(seenA);
    await b.start(seenB);
    await Promise.all([seenA, seenB].map((seen) => seen.until(() => seen.up.length === 1)));
    const before = a.peers().map(({ address }) => address);
    a.movePeer('b', `127.0.0.1:${takePort()}`);
    a.movePeer('nobody', `127.0.0.1:${takePort()}`);
    expect(a.peers().map(({ address }) => address)).toEqual(before);
    expect([seenA.down, seenB.down]).toEqual([[], []]);
  });

  it('one that was added moves as well, and can be dropped there', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const a = cluster.make(0, 'a', { listed: [cluster.listed[0]!] });
    const b = cluster.make(1, 'b');
    const [seenA, seenB] = [new Recorder(), new Recorder()];
    await a.start(seenA);
    await b.start(seenB);
    a.addPeer('b', `127.0.0.1:${takePort()}`);
    a.movePeer('b', `127.0.0.1:${cluster.listed[1]!.port}`);
    await Promise.all([seenA, seenB].map((seen) => seen.until(() => seen.up.length === 1)));
    a.dropPeer('b');
    expect(a.peers()).toEqual([]);
    await seenB.until(() => seenB.down.length === 1);
  });
});
