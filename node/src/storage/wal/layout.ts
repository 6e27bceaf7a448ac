/**
 * The numbers of the log's format. A segment is a file of fixed length: one sector of header, then frames, then zeros.
 * docs/adr/0020-log-frames.md says why a frame looks as it does.
 */

/** The unit a device writes whole or not at all; everything about torn writes is reasoned in these. */
export const SECTOR_BYTES = 512;

export const FORMAT_VERSION = 2;

/** Frames start at multiples of this, so that recovery can look for headers at few places. */
export const ALIGNMENT_BYTES = 8;

export const FRAME_HEADER_BYTES = 32;

/** Long enough that rotation (a handful of syncs) is rare, short enough that preparing one ahead costs little disk. */
export const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;

/**
 * A new segment is zeroed and synced in slices, because one sync of 16 MiB would hold up the log's own syncs on the same
 * device for as long as the device needs for all of it.
 */
export const ZERO_SLICE_BYTES = 1024 * 1024;

/** One write takes at most this much (more only if one batch alone is longer), so that no acknowledgement waits long. */
export const MAX_GROUP_BYTES = 1024 * 1024;

/** A longer batch is refused: a plan is bounded far below, and recovery holds a segment in memory. */
export const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/** So much waiting for the disk means that the disk has stopped; going on would only end in an out-of-memory kill. */
export const MAX_QUEUED_BYTES = 256 * 1024 * 1024;

/** Room kept at a segment's end for its seal: alignment, a skipped sector end and the frame itself (up to 94 bytes). */
export const SEAL_RESERVE_BYTES = 128;

export const ID_BYTES = 16;

export function alignUp(offset: number): number {
  return Math.ceil(offset / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

/** Writes a safe integer as unsigned 64 bit, little endian. */
export function writeUint64(target: Buffer, value: number, offset: number): void {
  target.writeUInt32LE(value % 0x1_0000_0000, offset);
  target.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4);
}

export function readUint64(source: Buffer, offset: number): number {
  return source.readUInt32LE(offset) + source.readUInt32LE(offset + 4) * 0x1_0000_0000;
}
