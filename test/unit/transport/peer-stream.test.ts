import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../node/src/transport/codec.ts';
import type { WireFrame } from '../../../node/src/transport/frames.ts';
import { PING_INTERVAL_MS, SILENT_AFTER_MS, watchLiveness } from '../../../node/src/transport/peer/liveness.ts';
import { GrpcPipe, type GrpcStream } from '../../../node/src/transport/grpc/pipe.ts';
import { MAX_BULK_BYTES, MAX_QUEUED_BYTES, PeerStream } from '../../../node/src/transport/peer/peer-stream.ts';
import { ManualClock } from './manual-clock.ts';

/** What the stream was given to write, and the callbacks by which the network says that it is gone. */
class FakeStream extends PassThrough {
  readonly written: { readonly bytes: Buffer; readonly done: () => void }[] = [];
  override write(bytes: Buffer, done?: unknown): boolean {
    this.written.push({ bytes, done: done as () => void });
    return true;
  }
}

let clock: ManualClock;
let fake: FakeStream;
let stream: PeerStream;
let ended: string[];
let got: WireFrame[];
let cuts: number;

const bulk = (bytes: number): WireFrame => ({ kind: 'response', requestId: 1, body: new Uint8Array(bytes) });
const pong: WireFrame = { kind: 'pong', sequence: 1, sentMs: 0, receivedMs: 0, repliedMs: 0 };
const arrive = (frame: WireFrame): void => void fake.emit('data', Buffer.from(encodeFrame(frame)));

beforeEach(() => {
  [clock, fake, ended, got, cuts] = [new ManualClock(), new FakeStream({ objectMode: true }), [], [], 0];
  const pipe = new GrpcPipe(fake as unknown as GrpcStream, () => void (cuts += 1));
  stream = new PeerStream(pipe, clock, {
    onFrame: (frame) => void got.push(frame),
    onEnd: (reason) => void ended.push(reason),
  });
});

describe('peer stream', () => {
  it('takes no frame while the bound is reached, and takes frames again once bytes have left', () => {
    let accepted = 0;
    while (stream.send(bulk(1024 * 1024))) accepted += 1;
    expect(accepted).toBe(MAX_QUEUED_BYTES / 1024 / 1024);
    expect(stream.queuedBytes).toBeGreaterThanOrEqual(MAX_QUEUED_BYTES);
    fake.written[0]?.done();
    expect(stream.send(bulk(10))).toBe(true);
  });

  it('lets pieces of a snapshot wait until nothing else does, one at a time and up to a bound (S11)', () => {
    const piece = (offset: number): WireFrame => ({
      ...{ kind: 'snapshotChunk', index: 1, term: 1, fileBytes: 1e9, checksum: 7, offset },
      data: new Uint8Array(60_000),
    });
    let taken = 0;
    while (stream.send(piece(taken))) taken += 1;
    expect(taken * 60_000).toBeGreaterThan(MAX_BULK_BYTES - 120_000);
    expect(fake.written).toHaveLength(1);
    expect(stream.send(pong)).toBe(true);
    expect(fake.written).toHaveLength(2);
    fake.written[0]!.done();
    expect(fake.written).toHaveLength(2);
    fake.written[1]!.done();
    expect(fake.written).toHaveLength(3);
    expect(stream.send(piece(taken))).toBe(true);
  });

  it('tells its end once, and delivers nothing after it', () => {
    fake.emit('error', Object.assign(new Error('x'), { details: 'read ECONNRESET' }));
    fake.emit('close');
    arrive(pong);
    expect(ended).toEqual(['reset: read ECONNRESET']);
    expect(got).toEqual([]);
    expect(stream.send(pong)).toBe(false);
    expect(cuts).toBe(1);
  });

  it('ends with the first bytes that are no frame', () => {
    fake.emit('data', Buffer.alloc(20, 0xff));
    arrive(pong);
    expect(ended).toEqual(['reset: the peer sent bytes that are not a frame']);
    expect(got).toEqual([]);
  });

  it('closed from here it tells nobody here, says its last word, and cuts a peer that does not answer', () => {
    stream.close({ kind: 'refused', reason: 'because' });
    expect(fake.written.map(({ bytes }) => bytes)).toEqual([
      Buffer.from(encodeFrame({ kind: 'refused', reason: 'because' })),
    ]);
    fake.emit('close');
    expect(ended).toEqual([]);
    expect(cuts).toBe(0);
    clock.advance(1_000);
    expect(cuts).toBe(1);
  });
});

describe('liveness', () => {
  let ticks = 0;
  let silent = 0;
  const watch = (): (() => void) => {
    [ticks, silent] = [0, 0];
    return watchLiveness(
      clock,
      stream,
      () => void (ticks += 1),
      () => void (silent += 1),
    );
  };

  it('a peer that answers every ping is alive for ever', () => {
    watch();
    for (let index = 0; index < 100; index += 1) {
      clock.advance(PING_INTERVAL_MS);
      arrive(pong);
    }
    expect([ticks, silent]).toEqual([100, 0]);
  });

  it('a peer that says nothing is silent once, after the limit and one interval at most', () => {
    watch();
    clock.advance(SILENT_AFTER_MS);
    expect(silent).toBe(0);
    clock.advance(PING_INTERVAL_MS);
    expect(silent).toBe(1);
    clock.advance(60_000);
    expect(silent).toBe(1);
  });

  it('our own pause is not the silence of the peer (L9)', () => {
    watch();
    clock.stall(30_000);
    expect(silent).toBe(0);
    clock.advance(SILENT_AFTER_MS + 2 * PING_INTERVAL_MS);
    expect(silent).toBe(1);
  });

  it('a peer that takes our bulk is alive, though its pong waits behind it', () => {
    watch();
    for (let index = 0; index < 20; index += 1) {
      stream.send(bulk(200_000));
      clock.advance(SILENT_AFTER_MS / 2);
      fake.written[index]?.done();
    }
    expect(silent).toBe(0);
  });

  it('pings that vanish into the buffers of a dead path prove nothing', () => {
    watch();
    for (let index = 0; index < 20; index += 1) {
      stream.send(pong);
      fake.written[index]?.done();
      clock.advance(PING_INTERVAL_MS);
    }
    expect(silent).toBe(1);
  });
});
