import { crc32 } from 'node:zlib';
import { invariant } from '../../lib/invariant.ts';
import type { Incarnation, NodeId } from '../../raft/types.ts';
import { FORMAT_VERSION, ID_BYTES, readUint64, SECTOR_BYTES, writeUint64 } from './layout.ts';

/** What a segment says of itself, in its first sector. Written and synced before the file gets its name. */
export interface SegmentHeader {
  /** 32 hex digits, random: two files are never the same segment, even at the same index (raft.md W6). */
  readonly id: string;
  /** The segment before this one; all zero for the first. */
  readonly previousId: string;
  /** 1, 2, 3, ... without gaps. */
  readonly ordinal: number;
  /** The index the next entry had when the segment began. */
  readonly baseIndex: number;
  readonly firstSequence: number;
  readonly segmentBytes: number;
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
}

export const NO_SEGMENT = '0'.repeat(2 * ID_BYTES);

const MAGIC = Buffer.from('TUTTIWAL', 'latin1');
const TEXT_START = 96;
const CRC_START = SECTOR_BYTES - 4;
/** Node id and incarnation share the rest of the sector. */
export const MAX_IDENTITY_BYTES = CRC_START - TEXT_START - 4;

export function segmentFileName(header: Pick<SegmentHeader, 'baseIndex' | 'id'>): string {
  return `${String(header.baseIndex).padStart(16, '0')}-${header.id}.wal`;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const nodeId = Buffer.from(header.nodeId, 'utf8');
  const incarnation = Buffer.from(header.incarnation, 'utf8');
  invariant(nodeId.length + incarnation.length <= MAX_IDENTITY_BYTES, 'node id and incarnation fit the log header');
  const sector = Buffer.alloc(SECTOR_BYTES);
  MAGIC.copy(sector, 0);
  sector.writeUInt32LE(FORMAT_VERSION, 8);
  sector.write(header.id, 16, ID_BYTES, 'hex');
  sector.write(header.previousId, 32, ID_BYTES, 'hex');
  writeUint64(sector, header.ordinal, 48);
  writeUint64(sector, header.baseIndex, 56);
  writeUint64(sector, header.firstSequence, 64);
  writeUint64(sector, header.segmentBytes, 72);
  sector.writeUInt16LE(nodeId.length, TEXT_START);
  sector.writeUInt16LE(incarnation.length, TEXT_START + 2);
  nodeId.copy(sector, TEXT_START + 4);
  incarnation.copy(sector, TEXT_START + 4 + nodeId.length);
  sector.writeUInt32LE(crc32(sector.subarray(0, CRC_START)), CRC_START);
  return sector;
}

/** The header, or in words what is wrong with it. */
export function decodeSegmentHeader(sector: Buffer): SegmentHeader | string {
  if (sector.length < SECTOR_BYTES) return `the file ends inside its header (${sector.length} bytes)`;
  if (!sector.subarray(0, MAGIC.length).equals(MAGIC)) return 'the header does not begin as a log segment does';
  if (crc32(sector.subarray(0, CRC_START)) !== sector.readUInt32LE(CRC_START)) return 'the header fails its checksum';
  const version = sector.readUInt32LE(8);
  if (version !== FORMAT_VERSION) return `the format version is ${version}, this program knows ${FORMAT_VERSION}`;
  const nodeIdEnd = TEXT_START + 4 + sector.readUInt16LE(TEXT_START);
  return {
    id: sector.toString('hex', 16, 16 + ID_BYTES),
    previousId: sector.toString('hex', 32, 32 + ID_BYTES),
    ordinal: readUint64(sector, 48),
    baseIndex: readUint64(sector, 56),
    firstSequence: readUint64(sector, 64),
    segmentBytes: readUint64(sector, 72),
    nodeId: sector.toString('utf8', TEXT_START + 4, nodeIdEnd),
    incarnation: sector.toString('utf8', nodeIdEnd, nodeIdEnd + sector.readUInt16LE(TEXT_START + 2)),
  };
}
