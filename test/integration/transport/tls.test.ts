import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { TlsIdentity } from '../../../node/src/transport/peer/options.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import { TestAuthority } from './certificates.ts';
import { LoopbackCluster, networkTransports } from './loopback.ts';
import { Recorder } from './recorder.ts';
import { numbered, transportContract } from './transport-contract.ts';

const authority = new TestAuthority();
const foreign = new TestAuthority('another ca');
const [ours, ofB] = [authority.keysOf('a'), authority.keysOf('b')];

for (const [name, create] of networkTransports)
  transportContract(`${name} with mutual TLS`, () => {
    const mutual = new LoopbackCluster(create, ['a', 'b']);
    return Promise.resolve({
      make: (id, identity = {}) => {
        const security = { secret: 'and a secret', tls: () => (id === 'a' ? ours : ofB) };
        return mutual.make(id === 'a' ? 0 : 1, id, { identity, security });
      },
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
      const transport = cluster.make(index, id, {
        security: { secret: null, tls: identity === null ? null : () => identity },
      });
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
      const b = await start(1, 'b', foreign.keysOf('b', { ca: authority.pem }));
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

    it('a certificate of another address: whoever dials says so', async () => {
      cluster = new LoopbackCluster(create, ['a', 'b']);
      const a = await start(0, 'a', ours);
      await start(1, 'b', authority.keysOf('b', { address: 'IP:127.0.0.2' }));
      await named(
        a.seen,
        /failed: .*altnames: IP: 127\.0\.0\.1 is not in .*of node "b" by our list; .*of another address/,
      );
      expect(a.seen.up).toEqual([]);
    });

    it('the key of another node, whoever dials: it cannot speak as that node', async () => {
      cluster = new LoopbackCluster(create, ['a', 'b']);
      const a = await start(0, 'a', ours);
      const b = await start(1, 'b', authority.keysOf('c'));
      const borrowed = /certificate of node "b" at .* is not that node's, but of: DNS:c, .*give each node/i;
      await Promise.all([named(a.seen, borrowed), named(b.seen, borrowed)]);
      expect([...a.seen.up, ...b.seen.up]).toEqual([]);
      expect(a.transport.peers()[0]).toMatchObject({ state: 'refused' });
    });

    it.each<[string, TlsIdentity, RegExp, RegExp]>([
      [
        'that has expired',
        authority.keysOf('b', { days: -1 }),
        /failed: CERT_HAS_EXPIRED, of node "b" by our list; its certificate has expired: renew/,
        /failed: .*certificate has expired, of node "b" by our list; .*renew/,
      ],
      [
        'of another authority',
        foreign.keysOf('b', { ca: authority.pem }),
        /failed: [A-Z_]+, of node "b" by our list; .*CLUSTER_TLS_CA_FILE does not hold/,
        /failed: .*, of node "b" by our list; .*CLUSTER_TLS_CA_FILE does not hold/,
      ],
    ])('a certificate %s: both say by name what to do', async (_what, identity, accepting, dialling) => {
      cluster = new LoopbackCluster(create, ['a', 'b']);
      const a = await start(0, 'a', ours);
      const b = await start(1, 'b', identity);
      const refused =
        /handshake with 127\.0\.0\.1:\d+ failed: .*may not accept our certificate, of node "a" by our list/;
      await Promise.all([named(a.seen, accepting), named(a.seen, dialling), named(b.seen, refused)]);
      expect([...a.seen.up, ...b.seen.up]).toEqual([]);
    });

    it('one wrong peer does not keep the right ones from each other', async () => {
      cluster = new LoopbackCluster(create, ['a', 'b', 'c']);
      const a = await start(0, 'a', ours);
      const c = await start(2, 'c', null);
      const b = await start(1, 'b', ofB);
      await Promise.all([a, b].map(({ seen }) => seen.until(() => seen.up.length === 1)));
      expect(a.transport.send('b', numbered(1))).toBe(true);
      await b.seen.until(() => b.seen.frames.length === 1);
      await named(c.seen, /demands TLS/);
      expect(c.seen.up).toEqual([]);
    });
  },
);

describe.each(networkTransports)('%s transport: keys that are renewed while it runs', (_, create) => {
  let cluster: LoopbackCluster;
  afterEach(() => cluster.close());

  /** Two connected nodes, whose keys the test exchanges. */
  async function start(keys: {
    a: TlsIdentity;
    b: TlsIdentity;
  }): Promise<{ a: Recorder; b: Recorder; send: () => boolean }> {
    cluster = new LoopbackCluster(create, ['a', 'b']);
    const [a, b] = [new Recorder(), new Recorder()];
    const security = (id: 'a' | 'b'): { secret: null; tls: () => TlsIdentity } => ({
      secret: null,
      tls: () => keys[id],
    });
    const transport = cluster.make(0, 'a', { security: security('a') });
    await transport.start(a);
    await cluster.make(1, 'b', { security: security('b') }).start(b);
    await Promise.all([a, b].map((seen) => seen.until(() => seen.up.length === 1)));
    return { a, b, send: () => transport.send('b', numbered(1)) };
  }

  it('the streams that stand go on, and the next ones are judged by the new keys', async () => {
    const [before, after] = [new TestAuthority('before'), new TestAuthority('after')];
    const keys = { a: before.keysOf('a'), b: before.keysOf('b') };
    const { a, b, send } = await start(keys);
    keys.a = after.keysOf('a');
    keys.b = after.keysOf('b');
    expect(send()).toBe(true);
    await b.until(() => b.frames.length === 1);
    expect([...a.down, ...b.down]).toEqual([]);
    // A node with the old keys is a stranger now, and one with the new ones is none.
    const late = cluster.make(1, 'b', {
      identity: { session: 'late' },
      security: { secret: null, tls: () => before.keysOf('b') },
    });
    await cluster.closeAt(1);
    await late.start(new Recorder());
    await a.until(() => a.problems.some(({ reason }) => /of node "b" by our list; .*CLUSTER_TLS_CA_FILE/.test(reason)));
    await late.close();
    const right = cluster.make(1, 'b', {
      identity: { session: 'right' },
      security: { secret: null, tls: () => keys.b },
    });
    await right.start(new Recorder());
    await a.until(() => a.up.length === 2);
  });

  it('an authority takes over from another while both are trusted: each pair of keys meets', async () => {
    const [before, after] = [new TestAuthority('before'), new TestAuthority('after')];
    const ca = before.pem + after.pem;
    await start({ a: before.keysOf('a', { ca }), b: after.keysOf('b', { ca }) });
  });
});
