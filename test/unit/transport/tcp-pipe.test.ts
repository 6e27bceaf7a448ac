import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../node/src/transport/codec.ts';
import type { WireFrame } from '../../../node/src/transport/frames.ts';
import { SILENT_AFTER_MS, watchLiveness } from '../../../node/src/transport/peer/liveness.ts';
import { MAX_QUEUED_BYTES, PeerStream } from '../../../node/src/transport/peer/peer-stream.ts';
import { GOODBYE, lengthOf, PREAMBLE, READING } from '../../../node/src/transport/tcp/framing.ts';
import { TcpPipe } from '../../../node/src/transport/tcp/pipe.ts';
import { ManualClock } from './manual-clock.ts';

/** A socket whose network the test plays: what was handed to it, and when that is gone. */
class FakeSocket extends Duplex {
  readonly written: Buffer[] = [];
  /** Bytes that the kernel has not taken yet. */
  readonly stuck: (() => void)[] = [];
  isStuck = false;

  override _read(): void {
    // The test pushes.
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.written.push(bytes);
    if (this.isStuck) this.stuck.push(done);
    else done();
  }
}

let clock: ManualClock;
let socket: FakeSocket;
let stream: PeerStream;
let got: WireFrame[];
let ended: string[];

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const pong: WireFrame = { kind: 'pong', sequence: 1, sentMs: 0, receivedMs: 0, repliedMs: 0 };
const bulk = (bytes: number): WireFrame => ({ kind: 'response', requestId: 1, body: new Uint8Array(bytes) });
const framed = (frame: WireFrame): Buffer => {
  const bytes = encodeFrame(frame);
  return Buffer.concat([lengthOf(bytes.length), bytes]);
};
async function arrive(...bytes: readonly Buffer[]): Promise<void> {
  socket.push(Buffer.concat(bytes));
  await turn();
}

beforeEach(() => {
  [clock, socket, got, ended] = [new ManualClock(), new FakeSocket(), [], []];
  stream = new PeerStream(new TcpPipe(socket as unknown as Socket, clock), clock, {
    onFrame: (frame) => void got.push(frame),
    onEnd: (reason, cause) => void ended.push(`${cause}: ${reason}`),
  });
});

describe('TCP pipe', () => {
  it('says the preamble first, then each frame behind its length', async () => {
    stream.send(pong);
    stream.send(bulk(100_000));
    await turn();
    expect(Buffer.concat(socket.written)).toEqual(Buffer.concat([PREAMBLE, framed(pong), framed(bulk(100_000))]));
  });

  it('counts bytes as queued until the kernel has taken them', async () => {
    socket.isStuck = true;
    let accepted = 0;
    while (accepted < 100 && stream.send(bulk(1024 * 1024))) accepted += 1;
    expect(accepted * 1024 * 1024).toBeLessThanOrEqual(MAX_QUEUED_BYTES);
    await turn();
    socket.isStuck = false;
    socket.stuck[0]?.();
    await turn();
    expect(stream.queuedBytes).toBe(0);
    expect(stream.send(pong)).toBe(true);
  });

  it('tells a goodbye from a connection that was lost', async () => {
    await arrive(PREAMBLE, framed(pong), lengthOf(GOODBYE));
    expect(got).toEqual([pong]);
    expect(ended).toEqual(['lost: closed: the peer ended the stream']);
    expect(socket.destroyed).toBe(true);
  });

  it('an end without a goodbye is a reset, in the middle of a frame or not', async () => {
    await arrive(PREAMBLE, framed(pong).subarray(0, -1));
    socket.push(null);
    await turn();
    expect(got).toEqual([]);
    expect(ended).toEqual(['lost: reset: the connection was lost']);
  });

  it('ends with the first bytes that break the framing, and says what they were', async () => {
    await arrive(PREAMBLE, lengthOf(0x7fff_ffff), framed(pong));
    expect(got).toEqual([]);
    expect(ended).toEqual([expect.stringMatching(/^lost: reset: the peer sent a frame of 2147483647 bytes/)]);
  });

  it('names a peer of another framing', async () => {
    const other = Buffer.from(PREAMBLE);
    other.writeUInt16BE(2, 6);
    await arrive(other);
    expect(ended).toEqual([expect.stringMatching(/^version: speaks version 2 .* version 1$/)]);
  });

  it('closed from here it says its last word and goodbye, ignores what still comes, and cuts a peer that stays', async () => {
    await turn();
    stream.close({ kind: 'refused', reason: 'because' });
    await arrive(PREAMBLE, framed(pong));
    const said = Buffer.concat([PREAMBLE, framed({ kind: 'refused', reason: 'because' }), lengthOf(GOODBYE)]);
    expect(Buffer.concat(socket.written)).toEqual(said);
    expect([got, ended, socket.destroyed]).toEqual([[], [], false]);
    clock.advance(1_000);
    expect(socket.destroyed).toBe(true);
  });
});

describe('TCP pipe: a reader whose pongs wait behind bulk shows that it reads', () => {
  const part = Buffer.alloc(10_000);
  const signs = (): number => socket.written.filter((bytes) => bytes.equals(lengthOf(READING))).length;

  it('says so in the middle of a large frame, a few times a second', async () => {
    stream.trust({ from: 'a', to: 'b' });
    await arrive(PREAMBLE, lengthOf(10_000_000));
    for (let chunk = 0; chunk < 100; chunk += 1) {
      clock.advance(50);
      await arrive(part);
    }
    // Five seconds: one sign each 400 ms.
    expect(signs()).toBeGreaterThanOrEqual(10);
    expect(signs()).toBeLessThanOrEqual(13);
    expect(clock.nowMs() - stream.lastHeardMs).toBeLessThan(100);
  });

  it('says nothing on a connection whose pings it answers', async () => {
    for (let index = 0; index < 50; index += 1) {
      clock.advance(200);
      await arrive(...(index === 0 ? [PREAMBLE] : []), framed(pong));
      stream.send(pong);
      await turn();
    }
    expect(signs()).toBe(0);
  });

  it('never answers a sign with a sign, which would go on for ever', async () => {
    await arrive(PREAMBLE, framed(pong));
    clock.advance(10_000);
    await arrive(lengthOf(READING));
    expect(signs()).toBe(0);
  });

  it('a sign is heard, while bytes that only left prove nothing (a dead path takes megabytes)', async () => {
    const silences: number[] = [];
    watchLiveness(
      clock,
      stream,
      () => stream.send(bulk(500_000)),
      () => void silences.push(clock.nowMs()),
    );
    await arrive(PREAMBLE);
    for (let index = 0; index < 10; index += 1) {
      clock.advance(SILENT_AFTER_MS / 2);
      await arrive(lengthOf(READING));
    }
    expect(silences).toEqual([]);
    clock.advance(2 * SILENT_AFTER_MS);
    expect(silences).toHaveLength(1);
  });
});
