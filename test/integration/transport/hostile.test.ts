import { once } from 'node:events';
import net from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../node/src/lib/clock.ts';
import { HANDSHAKE_TIMEOUT_MS, MAX_UNPROVEN_CONNECTIONS } from '../../../node/src/transport/peer/listener.ts';
import { createGrpcTransport } from '../../../node/src/transport/grpc/grpc-transport.ts';
import { connectMethod } from '../../../node/src/transport/grpc/service.ts';
import { MAX_QUEUED_BYTES } from '../../../node/src/transport/peer/peer-stream.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import { type CreateTransport, LoopbackCluster, networkTransports } from './loopback.ts';
import { Recorder } from './recorder.ts';
import { numbered } from './transport-contract.ts';

let cluster: LoopbackCluster;
afterEach(() => cluster.close());

interface Pair {
  readonly a: Transport;
  readonly b: Transport;
  readonly atA: Recorder;
  readonly atB: Recorder;
  readonly port: number;
}

async function connect(create: CreateTransport): Promise<Pair> {
  cluster = new LoopbackCluster(create, ['a', 'b']);
  const pair = { a: cluster.make(0, 'a'), b: cluster.make(1, 'b'), atA: new Recorder(), atB: new Recorder() };
  await pair.a.start(pair.atA);
  await pair.b.start(pair.atB);
  await Promise.all([pair.atA, pair.atB].map((seen) => seen.until(() => seen.up.length === 1)));
  return { ...pair, port: cluster.listed[0]!.port };
}

/** The pair still works, and never noticed. */
async function expectUndisturbed({ a, b, atA, atB }: Pair): Promise<void> {
  a.send('b', numbered(1));
  b.send('a', numbered(2));
  await Promise.all([atA, atB].map((seen) => seen.until(() => seen.frames.length === 1)));
  expect([...atA.down, ...atB.down]).toEqual([]);
}

function closedByPeer(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => void socket.write(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('data', () => undefined);
    socket.on('close', () => resolve());
  });
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

describe.each(networkTransports)('%s transport: hostile and broken peers', (_, create) => {
  const connectedPair = (): Promise<Pair> => connect(create);

  it.each([
    ['an HTTP/1.1 request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['zero bytes', Buffer.alloc(100)],
    ['an HTTP/2 preface and then noise', Buffer.concat([preface, Buffer.alloc(1_000, 0xee)])],
    ['a POST that begins like the preface', Buffer.from('POST / HTTP/1.1\r\n\r\n')],
    ['a TLS handshake on a port without TLS', Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5])],
  ])('closes a connection that sends %s, and disturbs nobody', async (_, bytes) => {
    const pair = await connectedPair();
    await closedByPeer(pair.port, bytes);
    await expectUndisturbed(pair);
  });

  it('closes a connection that says nothing, at the handshake time limit', async () => {
    const pair = await connectedPair();
    const before = systemClock.nowMs();
    await closedByPeer(pair.port, new Uint8Array());
    expect(systemClock.nowMs() - before).toBeGreaterThan(HANDSHAKE_TIMEOUT_MS - 100);
    await expectUndisturbed(pair);
  });

  it('bounds the connections that have not proven who they are', async () => {
    const pair = await connectedPair();
    const before = systemClock.nowMs();
    let closed = 0;
    const sockets: net.Socket[] = [];
    const enough = new Promise<void>((resolve) => {
      for (let index = 0; index < 80; index += 1) {
        const socket = net.connect(pair.port, '127.0.0.1');
        socket.on('error', () => socket.destroy());
        socket.on('data', () => undefined);
        socket.on('close', () => {
          closed += 1;
          if (closed === 16) resolve();
        });
        sockets.push(socket);
      }
    });
    await enough;
    // Those beyond the bound, at once; the others would be closed by the time limit.
    expect(systemClock.nowMs() - before).toBeLessThan(HANDSHAKE_TIMEOUT_MS - 500);
    for (const socket of sockets) socket.destroy();
    await expectUndisturbed(pair);
  });

  it('lets a member in while strangers hold all the places for connections that have proven nothing', async () => {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const pair = { a: cluster.make(0, 'a'), b: cluster.make(1, 'b'), atA: new Recorder(), atB: new Recorder() };
    await pair.a.start(pair.atA);
    const before = systemClock.nowMs();
    const strangers = Array.from({ length: MAX_UNPROVEN_CONNECTIONS }, () =>
      net.connect(cluster.listed[0]!.port, '127.0.0.1').on('error', () => undefined),
    );
    await Promise.all(strangers.map((socket) => once(socket, 'connect')));
    await pair.b.start(pair.atB);
    await Promise.all([pair.atA, pair.atB].map((seen) => seen.until(() => seen.up.length === 1)));
    expect(systemClock.nowMs() - before).toBeLessThan(HANDSHAKE_TIMEOUT_MS - 500);
    for (const socket of strangers) socket.destroy();
  });

  it('drops an oversized frame at the sender, and keeps the stream', async () => {
    const pair = await connectedPair();
    expect(pair.a.send('b', numbered(9, 16 * 1024 * 1024 + 1))).toBe(false);
    await expectUndisturbed(pair);
  });

  it('delivers a frame of nearly the largest size', async () => {
    const pair = await connectedPair();
    expect(pair.a.send('b', numbered(9, 16 * 1024 * 1024 - 100))).toBe(true);
    await pair.atB.until(() => pair.atB.frames.length === 1);
  });

  it('queues a bounded number of bytes for a peer that reads slowly, and goes on when it reads again', async () => {
    const pair = await connectedPair();
    const size = 1024 * 1024;
    let accepted = 0;
    // Nothing is read while this loop holds the event loop of both ends.
    while (accepted < 1_000 && pair.a.send('b', numbered(accepted, size))) accepted += 1;
    expect(accepted * size).toBeLessThanOrEqual(MAX_QUEUED_BYTES + size);
    expect(accepted).toBeGreaterThan(1);
    await pair.atB.until(() => pair.atB.frames.length === accepted);
    expect(pair.a.send('b', numbered(0))).toBe(true);
    await pair.atB.until(() => pair.atB.frames.length === accepted + 1);
    expect(pair.atA.down).toEqual([]);
  });

  it('says ADDRESS_IN_USE for a port that is taken, and SETTINGS_INVALID for an address of another machine', async () => {
    const pair = await connectedPair();
    await expect(cluster.make(0, 'a').start(new Recorder())).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${pair.port}`) as string,
    });
    const elsewhere = cluster.make(0, 'a', { bind: { host: '203.0.113.1', port: pair.port } });
    await expect(elsewhere.start(new Recorder())).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  });
});

describe('grpc transport: hostile streams', () => {
  it.each([
    ['bytes that are no frame', Buffer.alloc(50, 0xff)],
    ['a Raft message before the handshake', Buffer.from([0xa2, 0x01, 0x02, 0x08, 0x01])],
    ['more than the size limit', Buffer.alloc(16 * 1024 * 1024 + 1)],
  ])('ends a gRPC stream that sends %s, and delivers nothing', async (_, bytes) => {
    const pair = await connect(createGrpcTransport);
    const client = new grpc.Client(`127.0.0.1:${pair.port}`, grpc.credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = connectMethod;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    await new Promise<void>((resolve) => {
      call.on('error', () => undefined);
      call.on('status', () => resolve());
      call.on('data', () => undefined);
      call.write(bytes);
    });
    client.close();
    await expectUndisturbed(pair);
  });
});
