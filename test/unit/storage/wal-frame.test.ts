import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  BATCH_FRAME,
  finishFrame,
  frameBytes,
  frameStart,
  readFrameHeader,
  readPayload,
  seedOf,
} from '../../../node/src/storage/wal/frame.ts';
import { FRAME_HEADER_BYTES, SECTOR_BYTES } from '../../../node/src/storage/wal/layout.ts';

const seed = seedOf('00112233445566778899aabbccddeeff');

function frameOf(payload: Uint8Array, offset: number): Buffer {
  const frame = Buffer.alloc(frameBytes(payload.length));
  frame.set(payload, FRAME_HEADER_BYTES);
  finishFrame(frame, { kind: BATCH_FRAME, sequence: 7, payloadBytes: payload.length, offset, seed });
  return frame;
}

/** Payloads made to be awkward: long runs of one byte, and the very mask that would be tried first. */
const firstMask = Buffer.alloc(4);
firstMask.writeUInt32LE(crc32(Buffer.of(1), seed));
const payload = fc
  .array(
    fc.record({
      fill: fc.constantFrom<number | Buffer>(0, 0, 0, 1, 0xff, firstMask, firstMask),
      bytes: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 1300 })),
    }),
    { maxLength: 6 },
  )
  .map((runs) => Buffer.concat(runs.map(({ fill, bytes }) => Buffer.alloc(bytes, fill))));
const offset = fc.integer({ min: 64, max: 400 }).map((words) => frameStart(words * 8));

it('leaves at least four bytes that are not zero in each sector it touches, whatever it carries', () => {
  fc.assert(
    fc.property(payload, offset, (carried, at) => {
      const frame = frameOf(carried, at);
      for (let start = 0; start < frame.length;) {
        const end = Math.min(frame.length, start + SECTOR_BYTES - ((at + start) % SECTOR_BYTES));
        expect(frame.subarray(start, end).filter((byte) => byte !== 0).length).toBeGreaterThanOrEqual(4);
        start = end;
      }
    }),
  );
});

it('reads back what it carries, its header lying in one sector', () => {
  fc.assert(
    fc.property(payload, offset, (carried, at) => {
      const file = Buffer.alloc(at + frameBytes(carried.length));
      frameOf(carried, at).copy(file, at);
      expect(Math.floor(at / SECTOR_BYTES)).toBe(Math.floor((at + FRAME_HEADER_BYTES - 1) / SECTOR_BYTES));
      const header = readFrameHeader(file, at, seed);
      if (typeof header === 'string') throw new Error(header);
      expect(header.sequence).toBe(7);
      expect(readPayload(file, at, header, seed)?.equals(carried)).toBe(true);
    }),
  );
});

it('W6: does not validate as a frame of another segment', () => {
  const file = Buffer.concat([Buffer.alloc(512), frameOf(Buffer.from('payload'), 512)]);
  expect(readFrameHeader(file, 512, seedOf('ffeeddccbbaa99887766554433221100'))).toBe('invalid');
  expect(readFrameHeader(file, 512, seed)).toMatchObject({ sequence: 7 });
});

it('finds another mask where the first one makes a sector sparse, and still reads back', () => {
  const carried = Buffer.concat([Buffer.alloc(600), Buffer.alloc(1208, firstMask)]);
  const file = Buffer.concat([Buffer.alloc(512), frameOf(carried, 512)]);
  const header = readFrameHeader(file, 512, seed);
  if (typeof header === 'string') throw new Error(header);
  expect(header.mask).not.toBe(firstMask.readUInt32LE());
  expect(readPayload(file, 512, header, seed)?.equals(carried)).toBe(true);
});

it('counts one or a few bytes that are not zero in a sector as too few', () => {
  const carried = Buffer.alloc(1400);
  for (const at of [700, 701, 702]) carried[at] = 1;
  const frame = frameOf(carried, 512);
  expect(frame.subarray(512, 1024).filter((byte) => byte !== 0).length).toBeGreaterThan(400);
});
