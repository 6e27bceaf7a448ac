import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../node/src/lib/clock.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { grpcWire } from '../../../node/src/transport/grpc/grpc-transport.ts';
import { Porch, type PorchOptions } from '../../../node/src/transport/peer/porch.ts';
import { tcpWire } from '../../../node/src/transport/tcp/tcp-transport.ts';
import type { PeerIdentity } from '../../../node/src/transport/transport.ts';
import { wireKinds } from '../../../node/src/transport/wire-kinds.ts';
import { takePort } from '../../support/ports.ts';
import { TestAuthority } from './certificates.ts';
import { identityOf, LoopbackCluster, networkTransports } from './loopback.ts';
import { Recorder } from './recorder.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

describe.each(networkTransports)('%s: a node that knows no peers yet', (name, create) => {
  function porchOf(id: string, port: number, changes: Partial<PorchOptions> = {}): Porch {
    const porch = new Porch({
      wire: name === 'tcp' ? tcpWire : grpcWire,
      kinds: wireKinds,
      self: () => identityOf(id),
      bind: { host: '127.0.0.1', port },
      address: `127.0.0.1:${port}`,
      security: { secret: null, tls: null },
      clock: systemClock,
      log: silentLog,
      onMember: () => undefined,
      ...changes,
    });
    opened.push(porch);
    return porch;
  }

  it('says who it is, and is told who somebody else is; nobody is null', async () => {
    const [portA, portB] = [takePort(), takePort()];
    const [a, b] = [porchOf('a', portA), porchOf('b', portB)];
    await a.listen();
    expect(await b.identify(`127.0.0.1:${portA}`)).toEqual(identityOf('a'));
    expect(await a.identify(`127.0.0.1:${portB}`)).toBeNull();
    expect(await a.identify('no address at all:')).toBeNull();
    await a.close();
    expect(await b.identify(`127.0.0.1:${portA}`)).toBeNull();
  });

  it('asks a transport as well, without a trace there and whatever its secret is', async () => {
    const cluster = new LoopbackCluster(create, ['a', 'b']);
    opened.push(cluster);
    const a = cluster.make(0, 'a', { identity: { clusterId: 'x' }, security: { secret: 's'.repeat(16), tls: null } });
    const seen = new Recorder();
    await a.start(seen);
    const asker = porchOf('c', takePort());
    const { port } = cluster.listed[0]!;
    expect(await asker.identify(`127.0.0.1:${port}`)).toMatchObject({ nodeId: 'a', clusterId: 'x' });
    expect(await asker.identify(`127.0.0.1:${port}`)).toMatchObject({ nodeId: 'a' });
    expect(seen.order).toEqual([]);
  });

  it('by mutual TLS is who its certificate names; whoever shows the key of another node is nobody', async () => {
    const [portB, portC] = [takePort(), takePort()];
    const authority = new TestAuthority();
    const secured = (id: string, keysOf = id): Partial<PorchOptions> => {
      const identity = authority.keysOf(keysOf);
      return { self: () => identityOf(id), security: { secret: null, tls: () => identity } };
    };
    const asker = porchOf('a', takePort(), secured('a'));
    await porchOf('b', portB, secured('b')).listen();
    await porchOf('c', portC, secured('c', 'd')).listen();
    expect(await asker.identify(`127.0.0.1:${portB}`)).toEqual(identityOf('b'));
    expect(await asker.identify(`127.0.0.1:${portC}`)).toBeNull();
    // Nor is such a one told anything.
    expect(await porchOf('c', takePort(), secured('c', 'd')).identify(`127.0.0.1:${portB}`)).toBeNull();
  });

  it('lets nobody in, tells of a member that dials it, and is that member’s peer as soon as its transport takes over', async () => {
    const cluster = new LoopbackCluster(create, ['a', 'b']);
    opened.push(cluster);
    const members: PeerIdentity[] = [];
    const { promise: knocked, resolve } = Promise.withResolvers<PeerIdentity>();
    const onMember = (peer: PeerIdentity): void => {
      members.push(peer);
      resolve(peer);
    };
    const { port } = cluster.listed[1]!;
    const porch = porchOf('b', port, { onMember });
    await porch.listen();
    const seen = new Recorder();
    await cluster.make(0, 'a', { identity: { clusterId: 'x' } }).start(seen);
    expect(await knocked).toMatchObject({ nodeId: 'a', clusterId: 'x' });
    expect(seen.order).toEqual([]);
    await porch.close();
    await cluster.make(1, 'b').start(new Recorder());
    await seen.until(() => seen.up.length === 1);
    expect(seen.problems).toEqual([]);
  });
});
