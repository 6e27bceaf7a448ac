import { crc32 } from 'node:zlib';
import { invariant } from '../../lib/invariant.ts';
import { alignUp, FRAME_HEADER_BYTES, readUint64, SECTOR_BYTES, writeUint64 } from './layout.ts';

/**
 * One frame is one write: a header of 32 bytes that lies in one sector, then the payload, padded to 8 bytes.
 *
 *   0 header CRC | 4 payload bytes | 8 sequence number (64 bit) | 16 payload CRC | 20 mask | 24 kind | 28 magic
 *
 * Both CRCs are seeded with the segment's id, so bytes of another segment never validate. The header has its own, so that
 * a length is believed only if it is the one that was written. Since a device writes a sector whole or not at all, a
 * header is there, or its sector is still zero, or it is damaged; there is no fourth case.
 */
export interface FrameHeader {
  readonly payloadBytes: number;
  readonly sequence: number;
  readonly payloadCrc: number;
  readonly mask: number;
  readonly kind: number;
}

export const BATCH_FRAME = 1;
/** Closes a segment and names the next one, so that a missing file is noticed. */
export const SEAL_FRAME = 2;

const MAGIC = 0x4d_52_46_54; // "TFRM"

/**
 * A frame never leaves fewer non-zero bytes than this in any sector it touches. That is what makes "a sector is all zero"
 * mean "that sector was not written", also where somebody stores zeros and a single byte of them is damaged.
 */
const MIN_NONZERO_BYTES = 4;

/** CRC seed of a segment: the CRC of its id. */
export function seedOf(segmentId: string): number {
  return crc32(Buffer.from(segmentId, 'hex'));
}

/** Where the next frame begins: aligned, and with its whole header in one sector. */
export function frameStart(offset: number): number {
  const aligned = alignUp(offset);
  const left = SECTOR_BYTES - (aligned % SECTOR_BYTES);
  return left < FRAME_HEADER_BYTES ? aligned + left : aligned;
}

export function frameBytes(payloadBytes: number): number {
  return FRAME_HEADER_BYTES + alignUp(payloadBytes);
}

/** Completes `frame`, whose payload stands behind room for the header, for being written at `offset`. */
export function finishFrame(
  frame: Buffer,
  values: { kind: number; sequence: number; payloadBytes: number; offset: number; seed: number },
): void {
  invariant(frame.length === frameBytes(values.payloadBytes), 'frame buffer has the length of its frame');
  frame.writeUInt32LE(values.payloadBytes, 4);
  writeUint64(frame, values.sequence, 8);
  frame.writeUInt32LE(maskUntilDense(frame, values.offset, values.seed), 20);
  frame.writeUInt32LE(values.kind, 24);
  frame.writeUInt32LE(MAGIC, 28);
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEADER_BYTES), values.seed), 16);
  frame.writeUInt32LE(crc32(frame.subarray(4, FRAME_HEADER_BYTES), values.seed), 0);
}

/** The header at `at`; `absent` where its sector was never written, `invalid` where something else stands there. */
export function readFrameHeader(bytes: Buffer, at: number, seed: number): FrameHeader | 'absent' | 'invalid' {
  if (isZero(bytes, at, Math.min(nextSector(at), bytes.length))) return 'absent';
  return validHeader(bytes, at, seed) ?? 'invalid';
}

/** True where a header of this segment stands whose sequence number is above `sequence`, anywhere from `from` on. */
export function hasLaterHeader(bytes: Buffer, from: number, sequence: number, seed: number): boolean {
  for (let at = alignUp(from); at + FRAME_HEADER_BYTES <= bytes.length; at += alignUp(1)) {
    if (bytes.readUInt32LE(at + 28) !== MAGIC) continue;
    const header = validHeader(bytes, at, seed);
    if (header !== null && header.sequence > sequence) return true;
  }
  return false;
}

/** Checks a frame's payload and, if it is sound, unmasks it in place and returns it. */
export function readPayload(bytes: Buffer, at: number, header: FrameHeader, seed: number): Buffer | null {
  const stored = bytes.subarray(at + FRAME_HEADER_BYTES, at + frameBytes(header.payloadBytes));
  if (crc32(stored, seed) !== header.payloadCrc) return null;
  if (header.mask !== 0) applyMask(stored, header.mask);
  return stored.subarray(0, header.payloadBytes);
}

/** True if one of the sectors behind the one of its header was never written: the mark of a torn write. */
export function hasUnwrittenSector(bytes: Buffer, at: number, header: FrameHeader): boolean {
  const end = at + frameBytes(header.payloadBytes);
  for (let start = nextSector(at); start < end; start += SECTOR_BYTES) {
    if (isZero(bytes, start, Math.min(start + SECTOR_BYTES, end))) return true;
  }
  return false;
}

export function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

function validHeader(bytes: Buffer, at: number, seed: number): FrameHeader | null {
  if (at + FRAME_HEADER_BYTES > bytes.length) return null;
  if (crc32(bytes.subarray(at + 4, at + FRAME_HEADER_BYTES), seed) !== bytes.readUInt32LE(at)) return null;
  if (bytes.readUInt32LE(at + 28) !== MAGIC) return null;
  return {
    payloadBytes: bytes.readUInt32LE(at + 4),
    sequence: readUint64(bytes, at + 8),
    payloadCrc: bytes.readUInt32LE(at + 16),
    mask: bytes.readUInt32LE(at + 20),
    kind: bytes.readUInt32LE(at + 24),
  };
}

function nextSector(offset: number): number {
  return (Math.floor(offset / SECTOR_BYTES) + 1) * SECTOR_BYTES;
}

/**
 * Makes every sector of the frame dense enough, by XOR with a mask where it is not, and returns the mask (0: none). A sector
 * rules out few of the 2^32 masks and a frame has at most 2^17 sectors, so one of the first candidates does; they come
 * from the segment's random id, so that no stored content can be made to fit them.
 */
function maskUntilDense(frame: Buffer, offset: number, seed: number): number {
  let mask = 0;
  let candidate = seed;
  const payload = frame.subarray(FRAME_HEADER_BYTES);
  while (hasSparseSector(frame, offset)) {
    if (mask !== 0) applyMask(payload, mask);
    candidate = crc32(Buffer.of(1), candidate);
    mask = candidate;
    applyMask(payload, mask);
  }
  return mask;
}

function hasSparseSector(frame: Buffer, offset: number): boolean {
  for (let start = nextSector(offset) - offset; start < frame.length; start += SECTOR_BYTES) {
    const end = Math.min(start + SECTOR_BYTES, frame.length);
    let dense = 0;
    for (let at = start; at < end && dense < MIN_NONZERO_BYTES; at += 1) if (frame[at] !== 0) dense += 1;
    if (dense < MIN_NONZERO_BYTES) return true;
  }
  return false;
}

function applyMask(payload: Buffer, mask: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(mask);
  for (let at = 0; at < payload.length; at += 4) {
    payload[at]! ^= bytes[0]!;
    payload[at + 1]! ^= bytes[1]!;
    payload[at + 2]! ^= bytes[2]!;
    payload[at + 3]! ^= bytes[3]!;
  }
}
