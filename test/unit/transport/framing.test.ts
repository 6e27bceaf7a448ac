import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES } from '../../../node/src/transport/peer/wire.ts';
import { FrameReader, GOODBYE, lengthOf, PREAMBLE, READING } from '../../../node/src/transport/tcp/framing.ts';

let seen: string[];
let reader: FrameReader;

beforeEach(() => {
  seen = [];
  reader = new FrameReader({
    onFrame: (bytes) => void seen.push(Buffer.from(bytes).toString('hex')),
    onGoodbye: () => void seen.push('goodbye'),
  });
});

const framed = (frame: Uint8Array): Buffer => Buffer.concat([lengthOf(frame.length), frame]);
const hex = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString('hex'));

describe('framing of the TCP transport', () => {
  it('gives back every frame, however the network cuts the bytes', () => {
    const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 });
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sent, cuts) => {
        const got: Uint8Array[] = [];
        const fresh = new FrameReader({ onFrame: (bytes) => void got.push(bytes.slice()), onGoodbye: () => undefined });
        let bytes = Buffer.concat([PREAMBLE, ...sent.map(framed)]);
        for (let index = 0; bytes.length > 0; index += 1) {
          const size = cuts[index % cuts.length]!;
          fresh.push(bytes.subarray(0, size));
          bytes = bytes.subarray(size);
        }
        expect(hex(got)).toEqual(hex(sent));
      }),
    );
  });

  it('delivers nothing of a frame that is not whole', () => {
    reader.push(Buffer.concat([PREAMBLE, framed(Buffer.from('abcd'))]).subarray(0, -1));
    expect(seen).toEqual([]);
    reader.push(Buffer.from('d'));
    expect(seen).toEqual(hex([Buffer.from('abcd')]));
  });

  it('delivers nothing before the preamble is whole', () => {
    reader.push(PREAMBLE.subarray(0, 7));
    reader.push(Buffer.concat([PREAMBLE.subarray(7), framed(Buffer.from('x')), lengthOf(GOODBYE)]));
    expect(seen).toEqual([...hex([Buffer.from('x')]), 'goodbye']);
  });

  it.each([0, 1, 5])('refuses a preamble that differs in byte %i', (index) => {
    const other = Buffer.from(PREAMBLE);
    other[index]! ^= 1;
    expect(() => reader.push(other)).toThrow('not of this protocol');
  });

  it('names both versions when the framing has another one', () => {
    const other = Buffer.from(PREAMBLE);
    other.writeUInt16BE(258, 6);
    expect(() => reader.push(other)).toThrow(
      expect.objectContaining({
        isOtherVersion: true,
        message: expect.stringMatching(/version 258 .* version 1/) as string,
      }),
    );
  });

  it('takes 64 KiB of a peer that has not proven who it is, and not a byte more', () => {
    reader.push(Buffer.concat([PREAMBLE, framed(Buffer.alloc(64 * 1024))]));
    expect(seen).toHaveLength(1);
    expect(() => reader.push(lengthOf(64 * 1024 + 1))).toThrow('65537 bytes');
  });

  it('takes frames up to the largest of a peer that is trusted, and refuses longer ones before they come', () => {
    reader.trust();
    reader.push(Buffer.concat([PREAMBLE, framed(Buffer.alloc(MAX_FRAME_BYTES))]));
    expect(seen).toHaveLength(1);
    expect(() => reader.push(lengthOf(MAX_FRAME_BYTES + 1))).toThrow(`${MAX_FRAME_BYTES + 1} bytes`);
  });

  it('a sign that the peer reads is no frame, and no frame is lost by it', () => {
    reader.push(Buffer.concat([PREAMBLE, lengthOf(READING), framed(Buffer.from('x')), lengthOf(READING)]));
    reader.push(framed(Buffer.from('y')));
    expect(seen).toEqual(hex([Buffer.from('x'), Buffer.from('y')]));
  });

  it('reads nothing more once it was stopped by what it delivered', () => {
    const frames: number[] = [];
    const stopping = new FrameReader({
      onFrame: (bytes) => {
        frames.push(bytes.length);
        stopping.stop();
      },
      onGoodbye: () => void frames.push(0),
    });
    stopping.push(Buffer.concat([PREAMBLE, framed(Buffer.from('x')), framed(Buffer.from('y'))]));
    stopping.push(lengthOf(GOODBYE));
    expect(frames).toEqual([1]);
  });
});
