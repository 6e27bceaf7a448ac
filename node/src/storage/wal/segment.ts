import type { Disk, DiskFile } from '../disk.ts';
import { diskFailed } from '../disk-errors.ts';
import { BATCH_FRAME, finishFrame, frameBytes, frameStart, SEAL_FRAME, seedOf } from './frame.ts';
import { FRAME_HEADER_BYTES, ID_BYTES, SEAL_RESERVE_BYTES, SECTOR_BYTES, ZERO_SLICE_BYTES } from './layout.ts';
import type { Room } from '../room.ts';
import { encodeSegmentHeader, segmentFileName, type SegmentHeader } from './segment-header.ts';

/** The segment that is written to. One caller at a time; a failure leaves it unusable. */
export class ActiveSegment {
  readonly header: SegmentHeader;
  readonly path: string;
  /** Waits where a write finds no space; null: it fails. */
  room: Room | null = null;
  readonly #file: DiskFile;
  readonly #seed: number;
  #end: number;
  #nextSequence: number;

  constructor(file: DiskFile, path: string, header: SegmentHeader, end: number, nextSequence: number) {
    this.#file = file;
    this.path = path;
    this.header = header;
    this.#seed = seedOf(header.id);
    this.#end = end;
    this.#nextSequence = nextSequence;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Payload bytes that still fit, with room for the seal kept. */
  get roomBytes(): number {
    return payloadRoom(this.header.segmentBytes, this.#end);
  }

  /** Writes one frame and syncs it. `fill` puts exactly `payloadBytes` into its target. */
  async append(payloadBytes: number, fill: (target: Buffer) => void): Promise<void> {
    await this.#writeFrame(BATCH_FRAME, payloadBytes, fill);
  }

  /** Closes the segment for good, naming its successor, which is durable under its name by now. */
  async seal(nextId: string): Promise<void> {
    await this.#writeFrame(SEAL_FRAME, ID_BYTES, (target) => target.write(nextId, 'hex'));
    await this.close();
  }

  async close(): Promise<void> {
    try {
      await this.#file.close();
    } catch (error) {
      throw diskFailed(this.path, error);
    }
  }

  async #writeFrame(kind: number, payloadBytes: number, fill: (target: Buffer) => void): Promise<void> {
    const offset = frameStart(this.#end);
    const frame = Buffer.alloc(frameBytes(payloadBytes));
    fill(frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + payloadBytes));
    finishFrame(frame, { kind, sequence: this.#nextSequence, payloadBytes, offset, seed: this.#seed });
    try {
      const write = (): Promise<void> => this.#file.write(frame, offset);
      // The same bytes in the same place, so what an attempt has left of them does no harm.
      await (this.room === null ? write() : this.room.until(this.path, write));
      await this.#file.datasync();
    } catch (error) {
      throw diskFailed(this.path, error);
    }
    this.#end = offset + frame.length;
    this.#nextSequence += 1;
  }
}

/** Payload bytes that fit a frame behind `end`, so that a seal fits behind that. */
function payloadRoom(segmentBytes: number, end: number): number {
  return segmentBytes - SEAL_RESERVE_BYTES - frameStart(end) - FRAME_HEADER_BYTES;
}

/** The length of a segment that holds a frame of `payloadBytes`: the usual one, or as long as that frame needs. */
export function segmentBytesFor(payloadBytes: number, usualBytes: number): number {
  const missing = payloadBytes - payloadRoom(usualBytes, SECTOR_BYTES);
  return missing <= 0 ? usualBytes : usualBytes + Math.ceil((missing + 8) / SECTOR_BYTES) * SECTOR_BYTES;
}

/** Overwrites [from, to) with zeros, each slice synced before the next. */
export async function zero(file: DiskFile, from: number, to: number): Promise<void> {
  const slice = Buffer.alloc(Math.min(ZERO_SLICE_BYTES, to - from));
  for (let at = from; at < to; at += slice.length) {
    await file.write(slice.subarray(0, Math.min(slice.length, to - at)), at);
    await file.datasync();
  }
}

export interface BlankFile {
  readonly file: DiskFile;
  readonly path: string;
  readonly bytes: number;
}

/** Gives a zeroed file its header and then its name, each durable: under its name there never is half a segment. */
export async function beginSegment(
  disk: Disk,
  directory: string,
  blank: BlankFile,
  header: SegmentHeader,
  room: Room,
): Promise<ActiveSegment> {
  const path = `${directory}/${segmentFileName(header)}`;
  try {
    await room.until(path, () => blank.file.write(encodeSegmentHeader(header), 0));
    await blank.file.datasync();
    await room.until(path, () => disk.rename(blank.path, path));
    await disk.syncDirectory(directory);
  } catch (error) {
    throw diskFailed(path, error);
  }
  return new ActiveSegment(blank.file, path, header, SECTOR_BYTES, header.firstSequence);
}
