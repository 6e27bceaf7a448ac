import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../../node/src/transport/codec.ts';
import type { WireFrame } from '../../../node/src/transport/frames.ts';
import { DiallerHandshake } from '../../../node/src/transport/handshake.ts';
import { MAX_FRAME_BYTES } from '../../../node/src/transport/peer/wire.ts';
import { FrameReader, lengthOf, PREAMBLE } from '../../../node/src/transport/tcp/framing.ts';
import { createTcpTransport } from '../../../node/src/transport/tcp/tcp-transport.ts';
import { identityOf, LoopbackCluster } from './loopback.ts';
import { Recorder } from './recorder.ts';
import { numbered } from './transport-contract.ts';

let cluster: LoopbackCluster;
afterEach(() => cluster.close());

const host = '127.0.0.1';
const framed = (frame: Uint8Array): Buffer => Buffer.concat([lengthOf(frame.length), frame]);
const hello = (): Uint8Array => encodeFrame(handshakeOf('b').hello);

function handshakeOf(id: string): DiallerHandshake {
  const { port } = cluster.listed[1]!;
  const settings = { self: identityOf(id), selfAddress: `${host}:${port}`, secret: null, nonce: new Uint8Array(32) };
  return new DiallerHandshake(settings, `${host}:${cluster.listed[0]!.port}`, 'a');
}

/** Node "a", listening; nobody else yet. */
async function startA(): Promise<Recorder> {
  cluster = new LoopbackCluster(createTcpTransport, ['a', 'b']);
  const seen = new Recorder();
  await cluster.make(0, 'a').start(seen);
  return seen;
}

/** What a connection that sends `bytes` got back before it was closed. */
function answerTo(bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve) => {
    const got: Buffer[] = [];
    const socket = net.connect(cluster.listed[0]!.port, host, () => void socket.write(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => void got.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(got)));
  });
}

/** Completes the handshake as "b" by hand, then sends `bytes` and ends its half; resolves when "a" has closed the connection. */
function admittedThenSends(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const handshake = handshakeOf('b');
    const socket = net.connect(cluster.listed[0]!.port, host, () =>
      socket.write(Buffer.concat([PREAMBLE, framed(encodeFrame(handshake.hello))])),
    );
    const reader = new FrameReader({
      onGoodbye: () => undefined,
      onFrame: (frame) => {
        const step = handshake.receive(decodeFrame(frame, { from: 'a', to: 'b' }));
        if (step.kind === 'send') socket.write(framed(encodeFrame(step.frame)));
        else if (step.kind === 'refused') reject(new Error(step.reason));
        else socket.end(bytes);
      },
    });
    socket.on('data', (chunk) => reader.push(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve());
  });
}

/** The real "b" comes after the stranger, and is heard. */
async function expectUnharmed(seen: Recorder): Promise<void> {
  expect(seen.frames).toEqual([]);
  const b = cluster.make(1, 'b');
  await b.start(new Recorder());
  await seen.until(() => seen.up.length === 1);
  b.send('a', numbered(1));
  await seen.until(() => seen.frames.length === 1);
  expect(seen.down).toEqual([]);
}

const refusal = (answer: Buffer): WireFrame[] => {
  const frames: WireFrame[] = [];
  const onFrame = (bytes: Uint8Array): void => void frames.push(decodeFrame(bytes, { from: 'a', to: 'b' }));
  new FrameReader({ onFrame, onGoodbye: () => undefined }).push(answer);
  return frames;
};

describe('tcp transport: hostile streams', () => {
  it.each([
    ['half a preamble and then noise', () => Buffer.concat([PREAMBLE.subarray(0, 4), Buffer.alloc(100, 0x41)])],
    ['a length above the bound of strangers', () => Buffer.concat([PREAMBLE, lengthOf(64 * 1024 + 1)])],
    ['the largest length there is but one', () => Buffer.concat([PREAMBLE, lengthOf(0xffff_fffe)])],
    ['a frame of noise', () => Buffer.concat([PREAMBLE, framed(Buffer.alloc(50, 0xff))])],
    ['a Raft message before the handshake', () => Buffer.concat([PREAMBLE, framed(Buffer.from([0xa2, 1, 2, 8, 1]))])],
    ['a goodbye and then more', () => Buffer.concat([PREAMBLE, lengthOf(0), framed(hello())])],
  ])('closes a connection that sends %s, and delivers nothing', async (_, bytes) => {
    const seen = await startA();
    await answerTo(bytes());
    await expectUnharmed(seen);
  });

  it.each([
    ['a truncated length', () => Buffer.concat([PREAMBLE, Buffer.from([0, 0])])],
    ['a truncated frame', () => Buffer.concat([PREAMBLE, framed(hello()).subarray(0, -1)])],
  ])('waits for the rest of %s no longer than a handshake may take', async (_, bytes) => {
    const seen = await startA();
    const answer = await answerTo(bytes());
    expect(answer).toEqual(PREAMBLE);
    await expectUnharmed(seen);
  });

  it('names a framing of another version, on both sides', async () => {
    const seen = await startA();
    const newer = Buffer.from(PREAMBLE);
    newer.writeUInt16BE(2, 6);
    // The dialler learns it from our preamble, which is why we say it before we read.
    expect(await answerTo(Buffer.concat([newer, framed(hello())]))).toEqual(PREAMBLE);
    expect(seen.problems).toEqual([
      {
        address: host,
        reason: `a node from ${host} speaks version 2 of the TCP transport's framing, this node version 1`,
      },
    ]);
  });

  it('tells a stranger in a frame why it is refused', async () => {
    const seen = await startA();
    const ping = encodeFrame({ kind: 'ping', sequence: 1, sentMs: 0 });
    const answer = refusal(await answerTo(Buffer.concat([PREAMBLE, framed(ping)])));
    expect(answer).toMatchObject([{ kind: 'refused', reason: expect.stringContaining('out of order') as string }]);
    await expectUnharmed(seen);
  });

  it.each([
    ['a frame above the largest size', () => lengthOf(MAX_FRAME_BYTES + 1)],
    ['noise', () => framed(Buffer.alloc(50, 0xff))],
    ['a hello once more', () => framed(hello())],
    ['the end of the connection in the middle of a length', () => Buffer.from([0, 0])],
  ])('ends an admitted stream that sends %s, and delivers nothing', async (_, bytes) => {
    const seen = await startA();
    await admittedThenSends(bytes());
    await expectUnharmed(seen);
  });

  it('takes a frame of the largest size from an admitted peer only', async () => {
    const seen = await startA();
    const largest = numbered(1, MAX_FRAME_BYTES - 100);
    const b = cluster.make(1, 'b');
    await b.start(new Recorder());
    await seen.until(() => seen.up.length === 1);
    expect(b.send('a', largest)).toBe(true);
    await seen.until(() => seen.frames.length === 1);
    expect(seen.down).toEqual([]);
  });
});
