import { crc32 } from 'node:zlib';
import { decodeMembership, encodeMembership } from '../../raft/membership.ts';
import type { SnapshotMetadata } from '../../raft/types.ts';
import { readUint64, writeUint64 } from '../wal/layout.ts';
import type { LoadedSnapshot } from '../snapshot-store.ts';

/**
 * A snapshot file, also as it crosses the wire:
 *
 *   header   magic (8) | version (32 bit) | membership bytes (32) | index (64) | term (64) | membership index (64)
 *            | membership | CRC of all before (32)
 *   data     what the state machine gave
 *   trailer  data bytes (64) | data CRC (32) | header CRC (32) | magic (32) | CRC of the trailer before it (32)
 *
 * Each byte is under a checksum or is one, and the length is written down: any flip, cut or mixture is noticed. What the data is
 * long is known last, so it stands last, and a writer need not hold it in memory.
 */
const MAGIC = Buffer.from('TUTTISNP', 'latin1');
const END_MAGIC = 0x44_4e_45_54; // "TEND"
const VERSION = 1;
const FIXED_HEADER_BYTES = 40;
const CRC_BYTES = 4;
const TRAILER_BYTES = 20;
/** A membership names each member in some dozens of bytes. */
const MAX_MEMBERSHIP_BYTES = 1024 * 1024;

export function encodeHeader({ index, term, membership, membershipIndex }: SnapshotMetadata): Buffer {
  const members = encodeMembership(membership);
  const header = Buffer.alloc(FIXED_HEADER_BYTES + members.length + CRC_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(members.length, 12);
  writeUint64(header, index, 16);
  writeUint64(header, term, 24);
  writeUint64(header, membershipIndex, 32);
  header.set(members, FIXED_HEADER_BYTES);
  header.writeUInt32LE(crc32(header.subarray(0, -CRC_BYTES)), header.length - CRC_BYTES);
  return header;
}

/** Encodes a snapshot piece by piece: the header first, then the data, then the trailer. */
export class SnapshotEncoder {
  readonly header: Buffer;
  #dataBytes = 0;
  #dataCrc = 0;

  constructor(metadata: SnapshotMetadata) {
    this.header = encodeHeader(metadata);
  }

  add(data: Uint8Array): void {
    this.#dataBytes += data.length;
    this.#dataCrc = crc32(data, this.#dataCrc);
  }

  trailer(): Buffer {
    const trailer = Buffer.alloc(TRAILER_BYTES + CRC_BYTES);
    writeUint64(trailer, this.#dataBytes, 0);
    trailer.writeUInt32LE(this.#dataCrc, 8);
    trailer.writeUInt32LE(this.header.readUInt32LE(this.header.length - CRC_BYTES), 12);
    trailer.writeUInt32LE(END_MAGIC, 16);
    trailer.writeUInt32LE(crc32(trailer.subarray(0, -CRC_BYTES)), TRAILER_BYTES);
    return trailer;
  }
}

export interface Flaw {
  readonly offset: number;
  readonly what: string;
}

/** The snapshot a file holds, or where and what is wrong with it. `data` is a view of `file`. */
export function decodeSnapshotFile(file: Buffer): LoadedSnapshot | Flaw {
  const header = decodeHeader(file);
  if ('what' in header) return header;
  const { metadata, headerBytes, headerCrc } = header;
  const trailerAt = file.length - TRAILER_BYTES - CRC_BYTES;
  if (trailerAt < headerBytes) return { offset: file.length, what: 'the file ends before its end' };
  const trailer = file.subarray(trailerAt);
  if (crc32(trailer.subarray(0, -CRC_BYTES)) !== trailer.readUInt32LE(TRAILER_BYTES)) {
    return { offset: trailerAt, what: 'the end of the file fails its checksum' };
  }
  const data = file.subarray(headerBytes, trailerAt);
  const isWhole = readUint64(trailer, 0) === data.length && trailer.readUInt32LE(16) === END_MAGIC;
  if (!isWhole || trailer.readUInt32LE(12) !== headerCrc) {
    return { offset: trailerAt, what: 'the end of the file is that of another one' };
  }
  if (crc32(data) !== trailer.readUInt32LE(8)) return { offset: headerBytes, what: 'the content fails its checksum' };
  return { metadata, data, fileBytes: file.length, checksum: trailer.readUInt32LE(TRAILER_BYTES) };
}

interface Header {
  readonly metadata: SnapshotMetadata;
  readonly headerBytes: number;
  readonly headerCrc: number;
}

function decodeHeader(file: Buffer): Header | Flaw {
  if (file.length < FIXED_HEADER_BYTES) return { offset: file.length, what: 'the file ends inside its header' };
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) return { offset: 0, what: 'it does not begin as a snapshot does' };
  const memberBytes = file.readUInt32LE(12);
  const headerBytes = FIXED_HEADER_BYTES + memberBytes + CRC_BYTES;
  if (memberBytes > MAX_MEMBERSHIP_BYTES || headerBytes > file.length) {
    return { offset: 12, what: 'the header reaches beyond the end of the file' };
  }
  const headerCrc = file.readUInt32LE(headerBytes - CRC_BYTES);
  if (crc32(file.subarray(0, headerBytes - CRC_BYTES)) !== headerCrc) {
    return { offset: 0, what: 'the header fails its checksum' };
  }
  const version = file.readUInt32LE(8);
  if (version !== VERSION)
    return { offset: 8, what: `the format version is ${version}, this program knows ${VERSION}` };
  const metadata = {
    index: readUint64(file, 16),
    term: readUint64(file, 24),
    membershipIndex: readUint64(file, 32),
    membership: decodeMembership(file.subarray(FIXED_HEADER_BYTES, FIXED_HEADER_BYTES + memberBytes)),
  };
  return { metadata, headerBytes, headerCrc };
}
