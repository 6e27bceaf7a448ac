import { describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION, type WireFrame } from '../../../node/src/transport/frames.ts';
import {
  AcceptorHandshake,
  DiallerHandshake,
  type HandshakeSettings,
  type HandshakeStep,
} from '../../../node/src/transport/handshake.ts';
import type { PeerIdentity } from '../../../node/src/transport/transport.ts';

const identity = (nodeId: string, changes: Partial<PeerIdentity> = {}): PeerIdentity => ({
  nodeId,
  incarnation: `disk-${nodeId}`,
  session: `session-${nodeId}`,
  clusterId: null,
  listedSize: 3,
  region: 'local',
  apiAddress: `${nodeId}:8080`,
  electionPriority: 0,
  isLearner: false,
  ...changes,
});

interface Sides {
  readonly dialler?: Partial<HandshakeSettings>;
  readonly acceptor?: Partial<HandshakeSettings>;
  readonly diallerListsAs?: string | null;
  readonly acceptorListsAs?: string | null;
  readonly acceptorListsAt?: readonly string[];
}

const settings = (nodeId: string, fill: number, changes: Partial<HandshakeSettings> = {}): HandshakeSettings => ({
  self: identity(nodeId),
  selfAddress: `host-${nodeId}:7000`,
  secret: null,
  nonce: new Uint8Array(32).fill(fill),
  ...changes,
});

/** Runs both sides to their end; `tamper` may change what crosses the wire. */
function meet(
  { dialler, acceptor, diallerListsAs = 'b', acceptorListsAs = 'a', acceptorListsAt = ['host-a:7000'] }: Sides,
  tamper = (frame: WireFrame): WireFrame => frame,
): { readonly dialler: HandshakeStep; readonly acceptor: HandshakeStep } {
  const left = new DiallerHandshake(settings('a', 1, dialler), 'host-b:7000', diallerListsAs);
  const right = new AcceptorHandshake(settings('b', 2, acceptor), '10.0.0.1', {
    idAt: () => acceptorListsAs,
    addressesOf: () => acceptorListsAt,
    idsOn: () => [],
  });
  let atAcceptor = right.receive(tamper(left.hello));
  let atDialler: HandshakeStep = { kind: 'send', frame: left.hello };
  for (let turn = 0; turn < 4; turn += 1) {
    const answer = sent(atAcceptor);
    if (answer === null) break;
    atDialler = left.receive(tamper(answer));
    const reply = sent(atDialler);
    if (reply === null) break;
    atAcceptor = right.receive(tamper(reply));
  }
  return { dialler: atDialler, acceptor: atAcceptor };
}

function sent(step: HandshakeStep): WireFrame | null {
  if (step.kind === 'send') return step.frame;
  if (step.kind === 'proven') return step.frame;
  return step.tell ? { kind: 'refused', reason: step.reason } : null;
}

describe('handshake', () => {
  it.each([null, 'a shared secret'])('admits both sides when everything agrees (secret: %s)', (secret) => {
    const end = meet({ dialler: { secret }, acceptor: { secret } });
    expect(end.dialler).toMatchObject({ kind: 'proven', peer: { nodeId: 'b' } });
    expect(end.acceptor).toMatchObject({ kind: 'proven', peer: { nodeId: 'a' } });
  });

  it('accepts a peer without an expected id, and one whose cluster is not founded yet', () => {
    const end = meet({
      dialler: { self: identity('a', { clusterId: 'x' }) },
      diallerListsAs: null,
      acceptorListsAs: null,
    });
    expect(end.acceptor.kind).toBe('proven');
    expect(end.dialler.kind).toBe('proven');
  });

  const otherAddresses: readonly (readonly [string, string, readonly string[]])[] = [
    ['at another port', '127.0.0.1:7001', ['127.0.0.1:7002']],
    ['at another host', '10.0.0.1:7001', ['10.0.0.2:7001']],
    ['at several places, all others', '10.0.0.1:7001', ['10.0.0.2:7001', '10.0.0.1:7002']],
  ];
  it.each(otherAddresses)('admits a dialler that we list %s, and both sides notice it', (_, selfAddress, listedAt) => {
    const end = meet({ dialler: { selfAddress }, acceptorListsAt: listedAt });
    const notice =
      `node "a" is at ${selfAddress} by its own CLUSTER_NODES, but at ${listedAt.join(' or ')} by that of node "b": give both ` +
      'the same list (behind a proxy or port mapping too: CLUSTER_BIND_ADDR alone says where a node listens)';
    expect(end.dialler).toMatchObject({ kind: 'proven', notice });
    expect(end.acceptor).toMatchObject({ kind: 'proven', notice });
  });

  it.each([
    ['the same in another spelling', '[0:0::1]:7000', ['[::1]:7000']],
    ['a name, which may be any address', '10.0.0.1:7000', ['host-a:7000']],
    ['one of several', '10.0.0.1:7000', ['10.0.0.2:7000', '10.0.0.1:7000']],
    ['nowhere', '10.0.0.1:7000', []],
    ['while it calls its address something that is none', 'my desk', ['10.0.0.2:7000']],
  ])('notices nothing of a dialler that we list at %s', (_, selfAddress, acceptorListsAt) => {
    const end = meet({ dialler: { selfAddress }, acceptorListsAt });
    expect(end.dialler).toMatchObject({ kind: 'proven', notice: null });
    expect(end.acceptor).toMatchObject({ kind: 'proven', notice: null });
  });

  const founded = (nodeId: string, clusterId: string): { self: PeerIdentity } => ({
    self: identity(nodeId, { clusterId }),
  });
  const refusals: readonly [string, Sides, readonly string[]][] = [
    [
      'a foreign cluster (M13)',
      { dialler: founded('a', 'X1'), acceptor: founded('b', 'Y2') },
      ['X1', 'Y2', '"a"', '"b"'],
    ],
    ['another list size', { acceptor: { self: identity('b', { listedSize: 5 }) } }, ['3 members', '5', '"a"', '"b"']],
    ['another id than the dialler lists', { diallerListsAs: 'c' }, ['host-b:7000', '"c"', '"b"']],
    ['another id than the acceptor lists', { acceptorListsAs: 'c' }, ['host-a:7000', '"c"', '"a"']],
    [
      'our own id in another process',
      { acceptor: { self: identity('a', { session: 's2' }) }, diallerListsAs: null },
      ['"a"', 'host-b:7000'],
    ],
    ['ourselves', { acceptor: { self: identity('a') }, diallerListsAs: null }, ['same process', 'host-b:7000']],
    [
      'different secrets',
      { dialler: { secret: 'one' }, acceptor: { secret: 'two' } },
      ['secrets', 'differ', '"a"', '"b"'],
    ],
    ['a secret on the acceptor alone', { acceptor: { secret: 'two' } }, ['"b" demands', '"a"']],
    [
      'a secret on the dialler alone',
      { dialler: { secret: 'one' } },
      ['"a"', 'proves a cluster secret', '"b" has none'],
    ],
  ];
  it.each(refusals)('refuses %s, naming the values of both sides, on both sides', (_, sides, words) => {
    const end = meet(sides);
    expect(end.dialler.kind).toBe('refused');
    expect(end.acceptor.kind).toBe('refused');
    for (const word of words) {
      expect(JSON.stringify(end.dialler)).toContain(JSON.stringify(word).slice(1, -1));
      expect(JSON.stringify(end.acceptor)).toContain(JSON.stringify(word).slice(1, -1));
    }
  });

  it('never says the secret', () => {
    const end = meet({ dialler: { secret: 'correct horse' }, acceptor: { secret: 'battery staple' } });
    expect(JSON.stringify(end)).not.toMatch(/horse|staple/);
  });

  it('refuses another protocol version before anything else is said', () => {
    const end = meet({}, (frame) => (frame.kind === 'hello' ? { ...frame, protocolVersion: 9 } : frame));
    expect(end.acceptor).toMatchObject({ kind: 'refused', reason: expect.stringContaining('version 9') as string });
    expect(end.dialler).toMatchObject({ reason: expect.stringContaining(`version ${PROTOCOL_VERSION}`) as string });
  });

  it('refuses a proof of another handshake: with the secret, but other nonces', () => {
    let recorded: WireFrame | null = null;
    const both = { dialler: { secret: 's' }, acceptor: { secret: 's' } };
    meet(both, (frame) => {
      if (frame.kind === 'proof') recorded = frame;
      return frame;
    });
    const replayed = meet({ ...both, acceptor: { secret: 's', nonce: new Uint8Array(32).fill(9) } }, (frame) =>
      frame.kind === 'proof' ? (recorded ?? frame) : frame,
    );
    expect(replayed.acceptor.kind).toBe('refused');
  });

  it("refuses the dialler's own proof sent back as the acceptor's", () => {
    let mac = new Uint8Array();
    const end = meet({ dialler: { secret: 's' }, acceptor: { secret: 's' } }, (frame) => {
      if (frame.kind === 'proof') mac = new Uint8Array(frame.mac);
      return frame.kind === 'admitted' ? { ...frame, mac } : frame;
    });
    expect(end.dialler.kind).toBe('refused');
  });

  it('refuses an identity that was changed on the way', () => {
    const both = { dialler: { secret: 's' }, acceptor: { secret: 's' } };
    const end = meet(both, (frame) =>
      frame.kind === 'hello' ? { ...frame, identity: { ...frame.identity, incarnation: 'forged' } } : frame,
    );
    expect(end.acceptor).toMatchObject({ kind: 'refused', reason: expect.stringContaining('differ') as string });
  });

  const strangers: readonly WireFrame[] = [
    { kind: 'proof', mac: new Uint8Array(32) },
    { kind: 'ping', sequence: 1, sentMs: 0 },
    { kind: 'raft', message: { kind: 'heartbeat', from: 'a', to: 'b', term: 1, commitIndex: 0, round: 0, leaseMs: 0 } },
  ];
  it.each(strangers)('takes no $kind frame before the handshake', (frame) => {
    const acceptor = new AcceptorHandshake(settings('b', 2), '10.0.0.1');
    expect(acceptor.receive(frame)).toMatchObject({ kind: 'refused', tell: true });
  });

  it.each(['', 'x'.repeat(300), 'a\u001b[31m', 'a\nb'])('refuses the node id %j, which is none', (nodeId) => {
    const end = meet({ dialler: { self: identity(nodeId) }, acceptorListsAs: null });
    expect(end.acceptor).toMatchObject({ kind: 'refused', reason: expect.stringContaining('not one') as string });
    expect(JSON.stringify(end)).not.toContain('\\u001b');
  });

  it('does not put a reason on a terminal that could play with it', () => {
    const dialler = new DiallerHandshake(settings('a', 1), 'host-b:7000', 'b');
    const step = dialler.receive({ kind: 'refused', reason: 'no\u001b[2Jway' });
    expect(step).toMatchObject({
      kind: 'refused',
      tell: false,
      reason: expect.stringContaining('no readable') as string,
    });
    const end = meet({}, (frame) => (frame.kind === 'admitted' ? { ...frame, notice: 'no\u001b[2Jway' } : frame));
    expect(end.dialler).toMatchObject({ kind: 'proven', notice: expect.stringContaining('no readable') as string });
  });
});
