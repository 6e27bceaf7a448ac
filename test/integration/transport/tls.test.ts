import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { TlsIdentity } from '../../../node/src/transport/peer/options.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import { makeTlsIdentity } from './certificates.ts';
import { LoopbackCluster, networkTransports } from './loopback.ts';
import { Recorder } from './recorder.ts';
import { numbered, transportContract } from './transport-contract.ts';

const ours = makeTlsIdentity();
const foreign = makeTlsIdentity();

for (const [name, create] of networkTransports)
  transportContract(`${name} with mutual TLS`, () => {
    const mutual = new LoopbackCluster(create, ['a', 'b']);
    const security = { secret: 'and a secret', tls: ours };
    return Promise.resolve({
      make: (id, identity = {}) => mutual.make(id === 'a' ? 0 : 1, id, { identity, security }),
      cut: (transport) => transport.close(),
      close: () => mutual.close(),
    });
  });

describe.each(networkTransports)(
  '%s transport: who comes without the right TLS is named on both sides',
  (_, create) => {
    let cluster: LoopbackCluster;
    afterEach(() => cluster.close());

    const start = async (
      index: number,
      id: string,
      identity: TlsIdentity | null,
    ): Promise<{ readonly transport: Transport; readonly seen: Recorder }> => {
      const transport = cluster.make(index, id, { security: { secret: null, tls: identity } });
      const seen = new Recorder();
      await transport.start(seen);
      return { transport, seen };
    };
    const named = (seen: Recorder, pattern: RegExp): Promise<void> =>
      seen.until(() => seen.problems.some(({ reason }) => pattern.test(reason)));

    it('plaintext against TLS', async () => {
      cluster = new LoopbackCluster(create, ['a', 'b']);
      const secured = await start(0, 'a', ours);
      const plain = await start(1, 'b', null);
      await Promise.all([
        named(secured.seen, /"a" .*demands TLS.* connected without/),
        named(secured.seen, /TLS handshake with 127\.0\.0\.1:\d+ failed/),
        named(plain.seen, /"a" .*demands TLS.* connected without/),
        named(plain.seen, /connected with TLS, but this node has no certificate/),
      ]);
      expect([...secured.seen.up, ...plain.seen.up]).toEqual([]);
      expect(plain.transport.peers()[0]?.state).toBe('refused');
      expect(secured.transport.peers()[0]?.state).toBe('refused');
    });

    it('a certificate of another authority', async () => {
      cluster = new LoopbackCluster(create, ['a', 'b']);
      const a = await start(0, 'a', ours);
      const b = await start(1, 'b', { ...foreign, ca: ours.ca });
      await Promise.all([
        named(a.seen, /TLS handshake with 127\.0\.0\.1 failed: .*(SIGNATURE|SELF_SIGNED|CERT)/),
        named(b.seen, /TLS handshake.* failed/),
      ]);
      expect([...a.seen.up, ...b.seen.up]).toEqual([]);
    });

    it('a client without a certificate never reaches the handshake', async () => {
      cluster = new LoopbackCluster(create, ['a', 'b']);
      const { seen } = await start(0, 'a', ours);
      const { port } = cluster.listed[0]!;
      const ended = new Promise<void>((resolve) => {
        const socket = tls.connect({ host: '127.0.0.1', port, ca: ours.ca, ALPNProtocols: ['h2'] });
        socket.on('error', () => socket.destroy());
        socket.on('data', () => undefined);
        socket.on('close', () => resolve());
      });
      await Promise.all([ended, named(seen, /PEER_DID_NOT_RETURN_A_CERTIFICATE/)]);
    });

    it('one wrong peer does not keep the right ones from each other', async () => {
      cluster = new LoopbackCluster(create, ['a', 'b', 'c']);
      const a = await start(0, 'a', ours);
      const c = await start(2, 'c', null);
      const b = await start(1, 'b', ours);
      await Promise.all([a, b].map(({ seen }) => seen.until(() => seen.up.length === 1)));
      expect(a.transport.send('b', numbered(1))).toBe(true);
      await b.seen.until(() => b.seen.frames.length === 1);
      await named(c.seen, /demands TLS/);
      expect(c.seen.up).toEqual([]);
    });
  },
);
