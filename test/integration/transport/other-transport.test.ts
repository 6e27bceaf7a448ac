import http2 from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import type { TlsIdentity } from '../../../node/src/transport/peer/options.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import { createGrpcTransport } from '../../../node/src/transport/grpc/grpc-transport.ts';
import { createTcpTransport } from '../../../node/src/transport/tcp/tcp-transport.ts';
import { TestAuthority } from './certificates.ts';
import { type CreateTransport, LoopbackCluster } from './loopback.ts';
import { Recorder } from './recorder.ts';
import { numbered } from './transport-contract.ts';

const authority = new TestAuthority();
const identities = new Map(['a', 'b', 'g', 't'].map((id) => [id, authority.keysOf(id)]));
const grpcPort = /"g" at 127\.0\.0\.1:\d+ speaks gRPC \(CLUSTER_TRANSPORT=grpc\), but a node from .* by plain TCP/;
const tcpPort = /"t" at 127\.0\.0\.1:\d+ speaks plain TCP \(CLUSTER_TRANSPORT=tcp\), but a node from .* by gRPC/;

let cluster: LoopbackCluster;
afterEach(() => cluster.close());

interface Side {
  readonly transport: Transport;
  readonly seen: Recorder;
}

async function start(
  index: number,
  id: string,
  create: CreateTransport,
  isSecure: boolean,
  secret: string | null = null,
): Promise<Side> {
  const tls = isSecure ? (): TlsIdentity => identities.get(id)! : null;
  const side = { transport: cluster.make(index, id, { create, security: { secret, tls } }), seen: new Recorder() };
  await side.transport.start(side.seen);
  return side;
}

const named = (seen: Recorder, pattern: RegExp): Promise<void> =>
  seen.until(() => seen.problems.some(({ reason }) => pattern.test(reason)));

describe.each([
  ['without TLS', false],
  ['with mutual TLS', true],
])('a peer of the other transport, %s', (_, tls) => {
  it('is named on both sides, whoever dials', async () => {
    cluster = new LoopbackCluster(createGrpcTransport, ['g', 't']);
    const g = await start(0, 'g', createGrpcTransport, tls);
    const t = await start(1, 't', createTcpTransport, tls);
    await Promise.all([
      named(g.seen, grpcPort),
      named(t.seen, grpcPort),
      named(g.seen, tcpPort),
      named(t.seen, tcpPort),
    ]);
    expect([...g.seen.up, ...t.seen.up]).toEqual([]);
    for (const { transport } of [g, t]) expect(transport.peers()[0]?.state).toBe('refused');
  });

  it('does not disturb those that agree, and is let in once it is corrected', async () => {
    cluster = new LoopbackCluster(createTcpTransport, ['a', 'b', 't']);
    const a = await start(0, 'a', createTcpTransport, tls, 'a secret');
    const wrong = await start(2, 't', createGrpcTransport, tls, 'a secret');
    const b = await start(1, 'b', createTcpTransport, tls, 'a secret');
    await Promise.all([a, b].map(({ seen }) => seen.until(() => seen.up.length === 1)));
    await named(wrong.seen, /"a" .* speaks plain TCP/);
    expect(a.transport.send('b', numbered(1))).toBe(true);
    await wrong.transport.close();
    const right = await start(2, 't', createTcpTransport, tls, 'a secret');
    await right.seen.until(() => right.seen.up.length === 2);
    await a.seen.until(() => a.seen.up.length === 2);
    expect([...a.seen.down, ...b.seen.down, ...wrong.seen.up]).toEqual([]);
  });
});

it('a peer without TLS and of the other transport hears of the transport first, in its own protocol', async () => {
  cluster = new LoopbackCluster(createGrpcTransport, ['g', 't']);
  const g = await start(0, 'g', createGrpcTransport, true);
  const t = await start(1, 't', createTcpTransport, false);
  await Promise.all([named(t.seen, grpcPort), named(g.seen, grpcPort)]);
});

describe('an HTTP/2 client that opens and resets many streams does no harm to a TCP port', () => {
  const headers = { ':method': 'POST', ':path': '/tutti.peer.v1.Peer/Connect', 'content-type': 'application/grpc' };
  const reset = http2.constants.NGHTTP2_INTERNAL_ERROR;

  it.each([
    ['before the port has seen them', () => Promise.resolve()],
    ['once the port has answered', (seen: Recorder) => named(seen, /by gRPC/)],
  ])('%s', async (_, moment) => {
    cluster = new LoopbackCluster(createTcpTransport, ['a', 'b']);
    const a = await start(0, 'a', createTcpTransport, false);
    const client = http2.connect(`http://127.0.0.1:${cluster.listed[0]!.port}`);
    client.on('error', () => client.destroy());
    const closed = new Promise<void>((resolve) => client.on('close', () => resolve()));
    const streams = Array.from({ length: 20 }, () => client.request(headers, { endStream: false }));
    for (const stream of streams) stream.on('error', () => stream.destroy());
    await moment(a.seen);
    for (const stream of streams) stream.close(reset);
    // The port cuts a client that resets its calls.
    await closed;
    const b = await start(1, 'b', createTcpTransport, false);
    await Promise.all([a, b].map(({ seen }) => seen.until(() => seen.up.length === 1)));
    expect(a.seen.problems.length).toBeLessThanOrEqual(1);
  });
});
