import { afterEach, describe, expect, it } from 'vitest';
import { SILENT_AFTER_MS } from '../../../node/src/transport/peer/liveness.ts';
import type { Transport } from '../../../node/src/transport/transport.ts';
import { createTcpTransport } from '../../../node/src/transport/tcp/tcp-transport.ts';
import { BadLink } from './bad-link.ts';
import { type CreateTransport, LoopbackCluster, networkTransports } from './loopback.ts';
import { takePort } from '../../support/ports.ts';
import { Recorder } from './recorder.ts';
import { numbered } from './transport-contract.ts';

let cluster: LoopbackCluster;
let link: BadLink;
afterEach(async () => {
  await cluster.close();
  await link.close();
});

interface Pair {
  readonly a: Transport;
  readonly atA: Recorder;
  readonly atB: Recorder;
}

/** a reaches b through the link; b reaches a directly. */
async function connect(create: CreateTransport): Promise<Pair> {
  cluster = new LoopbackCluster(create, ['a', 'b']);
  const [first, second] = [cluster.listed[0]!, cluster.listed[1]!];
  link = new BadLink(second.port);
  const relayed = takePort();
  await link.listen(relayed);
  const pair = {
    a: cluster.make(0, 'a', { listed: [first, { ...second, port: relayed }] }),
    atA: new Recorder(),
    atB: new Recorder(),
  };
  await pair.a.start(pair.atA);
  await cluster.make(1, 'b').start(pair.atB);
  await Promise.all([pair.atA, pair.atB].map((seen) => seen.until(() => seen.up.length === 1)));
  return pair;
}

describe.each(networkTransports)('%s transport on a bad network', (_, create) => {
  it('a connection that hangs without a reset is down on both sides, though the other one still works (L7)', async () => {
    const { a, atA, atB } = await connect(create);
    const beforeMs = performance.now();
    link.hang();
    await Promise.all([atA, atB].map((seen) => seen.until(() => seen.down.length === 1)));
    expect(performance.now() - beforeMs).toBeLessThan(2 * SILENT_AFTER_MS);
    expect([atA, atB].some(({ down }) => down[0]?.reason.startsWith('silent'))).toBe(true);
    expect(a.send('b', numbered(1))).toBe(false);
    // A new connection carries again.
    await Promise.all([atA, atB].map((seen) => seen.until(() => seen.up.length === 2)));
    expect(a.send('b', numbered(2))).toBe(true);
    await atB.until(() => atB.frames.length === 1);
  });

  it('a peer behind a slow link stays up while bulk reaches it for longer than a silence may last', async () => {
    const { a, atA, atB } = await connect(create);
    link.slowDown();
    const beforeMs = performance.now();
    let sent = 0;
    // As much as the queue's bound allows.
    while (sent < 8 && a.send('b', numbered(sent, 1024 * 1024))) sent += 1;
    expect(sent).toBe(8);
    await atB.until(() => atB.frames.length === sent);
    expect(performance.now() - beforeMs).toBeGreaterThan(SILENT_AFTER_MS + 500);
    expect([...atA.down, ...atB.down]).toEqual([]);
  });
});

// A gRPC message shows nothing of itself before it is whole (docs/adr/0032), so this is a claim of TCP alone.
describe('tcp transport on a bad network', () => {
  it('one frame of the largest size over a slow link is not taken for silence by either side', async () => {
    const { a, atA, atB } = await connect(createTcpTransport);
    link.slowDown();
    expect(a.send('b', numbered(1, 15 * 1024 * 1024))).toBe(true);
    await Promise.race([atB.until(() => atB.frames.length === 1), atA.until(() => atA.down.length === 1)]);
    expect([...atA.down, ...atB.down]).toEqual([]);
    expect(atB.frames).toHaveLength(1);
  });
});
