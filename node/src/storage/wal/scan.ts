import {
  BATCH_FRAME,
  frameBytes,
  frameStart,
  hasLaterHeader,
  hasUnwrittenSector,
  isZero,
  readFrameHeader,
  readPayload,
  SEAL_FRAME,
  type FrameHeader,
} from './frame.ts';
import { FRAME_HEADER_BYTES, SECTOR_BYTES } from './layout.ts';

export interface ScannedFrame {
  readonly offset: number;
  readonly payload: Buffer;
}

export interface ScanResult {
  readonly batches: readonly ScannedFrame[];
  /** The id of the next segment, where this one was closed. */
  readonly sealedFor: string | null;
  /** Where the sound part ends; the next frame goes behind it. */
  readonly end: number;
  readonly nextSequence: number;
  /** `torn`: what stands behind `end` is the rest of a write that was never acknowledged. */
  readonly tail: 'clean' | 'torn' | Damage;
}

export interface Damage {
  readonly offset: number;
  readonly what: string;
}

/**
 * Reads the frames of one segment. A frame is written only after the one before it was synced, so only the last can be
 * torn: it is taken for torn if one of its sectors was never written and no later frame stands behind it. Whatever else
 * is wrong was once acknowledged, and is damage (etcd's isTornEntry; design, "The log on disk"; raft.md W2, W3).
 */
export function scanSegment(bytes: Buffer, seed: number, firstSequence: number): ScanResult {
  const batches: ScannedFrame[] = [];
  let end = SECTOR_BYTES;
  let sequence = firstSequence;
  let sealedFor: string | null = null;
  const stop = (tail: ScanResult['tail']): ScanResult => ({ batches, sealedFor, end, nextSequence: sequence, tail });
  for (;;) {
    const at = frameStart(end);
    if (sealedFor !== null || at + FRAME_HEADER_BYTES > bytes.length) return stop('clean');
    const header = readFrameHeader(bytes, at, seed);
    if (header === 'invalid') return stop({ offset: at, what: 'a frame header fails its checksum' });
    if (header === 'absent') return stop(tailWithoutHeader(bytes, at, sequence, seed));
    const implausible = whyImplausible(bytes, at, header, sequence);
    if (implausible !== null) return stop({ offset: at, what: implausible });
    const payload = readPayload(bytes, at, header, seed);
    if (payload === null) return stop(tailWithBadPayload(bytes, at, header, seed));
    if (header.kind === SEAL_FRAME) sealedFor = payload.toString('hex');
    else batches.push({ offset: at, payload });
    end = at + frameBytes(header.payloadBytes);
    sequence += 1;
  }
}

function tailWithoutHeader(bytes: Buffer, at: number, sequence: number, seed: number): ScanResult['tail'] {
  if (isZero(bytes, at, bytes.length)) return 'clean';
  if (!hasLaterHeader(bytes, at, sequence, seed)) return 'torn';
  return { offset: at, what: `frame ${sequence} is missing although later ones are there` };
}

function tailWithBadPayload(bytes: Buffer, at: number, header: FrameHeader, seed: number): ScanResult['tail'] {
  if (hasLaterHeader(bytes, at + FRAME_HEADER_BYTES, header.sequence, seed)) {
    return { offset: at, what: `frame ${header.sequence} fails its checksum although later ones are there` };
  }
  if (hasUnwrittenSector(bytes, at, header)) return 'torn';
  return { offset: at, what: `frame ${header.sequence} fails its checksum although all its sectors were written` };
}

function whyImplausible(bytes: Buffer, at: number, header: FrameHeader, sequence: number): string | null {
  if (header.sequence !== sequence) return `frame ${header.sequence} stands where frame ${sequence} belongs`;
  if (at + frameBytes(header.payloadBytes) > bytes.length) return 'a frame reaches beyond the end of its segment';
  if (header.kind !== BATCH_FRAME && header.kind !== SEAL_FRAME) return `a frame of unknown kind ${header.kind}`;
  return null;
}
