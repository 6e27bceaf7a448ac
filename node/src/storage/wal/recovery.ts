import { TuttiError } from '../../lib/errors.ts';
import { emptyHardState } from '../../raft/types.ts';
import type { Entry, HardState, Incarnation, LogPosition, NodeId } from '../../raft/types.ts';
import type { Disk, DiskFile } from '../disk.ts';
import { diskFailed, logDamaged, unusable } from '../disk-errors.ts';
import { BLANK_SUFFIX } from './blank-files.ts';
import { isZero, seedOf } from './frame.ts';
import { SECTOR_BYTES } from './layout.ts';
import { lastIndexOf, replayRecords, type Replay } from './records.ts';
import type { RetainedSegment } from './retained-segments.ts';
import { scanSegment, type ScanResult } from './scan.ts';
import { decodeSegmentHeader, NO_SEGMENT, segmentFileName, type SegmentHeader } from './segment-header.ts';
import { ActiveSegment, zero } from './segment.ts';

export interface Recovery {
  readonly hardState: HardState;
  readonly base: LogPosition;
  readonly entries: readonly Entry[];
  /** All there are, oldest first, the active one last. */
  readonly segments: readonly RetainedSegment[];
  /** The segment whose word on the base counts; null where none says one. */
  readonly baseSaidIn: SegmentHeader | null;
  /** Where writing goes on; null where there is no log yet. */
  readonly active: ActiveSegment | null;
}

export interface RecoverySource {
  readonly disk: Disk;
  readonly directory: string;
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
}

type Segment = RetainedSegment;

/**
 * Reads the log back, makes what it read durable (a process may have been killed between write and sync, and the machine
 * may lose power next) and leaves the files as an append expects them. Refuses with LOG_DAMAGED rather than forget.
 */
export async function recover(source: RecoverySource): Promise<Recovery> {
  const segments = await listSegments(source);
  const log = emptyLog(segments[0]);
  let baseSaidIn: SegmentHeader | null = null;
  let previous: { segment: Segment; scan: ScanResult } | null = null;
  let sealed: Segment | null = null;
  for (const segment of segments) {
    checkLink(segment, previous, log);
    const unnamed = previous !== null && previous.scan.sealedFor === null;
    const before = log.base;
    const scan = await readSegment(source.disk, segment, log);
    if (log.base !== before && log.base.term !== null) baseSaidIn = segment.header;
    if (unnamed) {
      await discardUnused(source, segment, scan, segments.at(-1) === segment);
      break;
    }
    sealed = previous?.segment ?? null;
    previous = { segment, scan };
  }
  const { hardState, base, entries } = log;
  if (base.term === null) throw logDamaged(segments[0]!.path, 0, `the log before entry ${base.index + 1} is missing`);
  const recovered = { hardState, base, entries, baseSaidIn };
  if (previous === null) return { ...recovered, segments: [], active: null };
  if (sealed !== null) await syncSeal(source.disk, sealed.path);
  const kept = segments.slice(0, segments.indexOf(previous.segment) + 1);
  return { ...recovered, segments: kept, active: await reopen(source, previous.segment, previous.scan) };
}

/** Where the oldest segment is not the first there was, those before it were removed for a snapshot: its header says how far. */
function emptyLog(oldest: Segment | undefined): Replay {
  const hasPredecessors = oldest !== undefined && oldest.header.ordinal > 1;
  const base = hasPredecessors ? { index: oldest.header.baseIndex - 1, term: null } : { index: 0, term: 0 };
  return { hardState: emptyHardState, base, entries: [] };
}

async function listSegments({ disk, directory, nodeId, incarnation }: RecoverySource): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const name of await attempt(directory, () => disk.list(directory))) {
    const path = `${directory}/${name}`;
    if (name.endsWith(BLANK_SUFFIX)) await attempt(path, () => disk.unlink(path));
    if (!name.endsWith('.wal')) continue;
    const header = decodeSegmentHeader(await readBytes(disk, path, SECTOR_BYTES));
    if (typeof header === 'string') throw logDamaged(path, 0, header);
    if (segmentFileName(header) !== name) throw logDamaged(path, 0, `the header is that of ${segmentFileName(header)}`);
    if (header.nodeId !== nodeId || header.incarnation !== incarnation) {
      throw new TuttiError(
        'DATA_DIR_UNUSABLE',
        `${path} is the log of node "${header.nodeId}" (incarnation ${header.incarnation}), not of "${nodeId}" ` +
          `(incarnation ${incarnation}): give each node its own data directory`,
      );
    }
    segments.push({ path, header });
  }
  return segments.sort((a, b) => a.header.ordinal - b.header.ordinal);
}

/** Each segment names the one before it and begins where that one ended; so no file between two can be missing or foreign. */
function checkLink(
  { path, header }: Segment,
  previous: { segment: Segment; scan: ScanResult } | null,
  log: Replay,
): void {
  if (previous === null && header.ordinal > 1) return;
  const expected = {
    ordinal: (previous?.segment.header.ordinal ?? 0) + 1,
    previousId: previous?.segment.header.id ?? NO_SEGMENT,
    baseIndex: lastIndexOf(log) + 1,
  };
  const sealedFor = previous?.scan.sealedFor ?? null;
  if (sealedFor !== null && header.ordinal === expected.ordinal && header.id !== sealedFor) {
    throw logDamaged(path, 0, `segment ${sealedFor} belongs here; this file is another one's remains`);
  }
  if (header.ordinal !== expected.ordinal || header.previousId !== expected.previousId) {
    throw logDamaged(path, 0, `segment ${expected.ordinal} is missing, this is segment ${header.ordinal}`);
  }
  if (sealedFor === null) return;
  if (header.baseIndex !== expected.baseIndex || header.firstSequence !== previous?.scan.nextSequence) {
    throw logDamaged(path, 0, `it begins at entry ${header.baseIndex}, not behind entry ${lastIndexOf(log)}`);
  }
}

async function readSegment(disk: Disk, { path, header }: Segment, log: Replay): Promise<ScanResult> {
  const bytes = await readBytes(disk, path, null);
  if (bytes.length !== header.segmentBytes) {
    throw logDamaged(path, bytes.length, `the file has ${bytes.length} bytes, it was made with ${header.segmentBytes}`);
  }
  const scan = scanSegment(bytes, seedOf(header.id), header.firstSequence);
  if (typeof scan.tail === 'object') throw logDamaged(path, scan.tail.offset, scan.tail.what);
  for (const { offset, payload } of scan.batches) {
    const wrong = replayRecords(payload, log);
    if (wrong !== null) throw logDamaged(path, offset, wrong);
  }
  return scan;
}

/**
 * A segment that the one before it does not name: the process died in the middle of a rotation, before anything could be
 * written to the new file. If something was, the seal that named it has been lost.
 */
async function discardUnused(source: RecoverySource, segment: Segment, scan: ScanResult, last: boolean): Promise<void> {
  if (!last || scan.tail !== 'clean' || scan.end !== SECTOR_BYTES) {
    throw logDamaged(segment.path, SECTOR_BYTES, 'the segment before it ends without naming it, yet it was written to');
  }
  await attempt(segment.path, () => source.disk.unlink(segment.path));
}

/**
 * The seal of the last segment but one may be in the page cache only, if the process before was killed in a rotation; without
 * it, what is written behind it is lost. Older ones were synced before anything was written two segments further on.
 */
async function syncSeal(disk: Disk, path: string): Promise<void> {
  const file = await attempt(path, () => disk.open(path, 'existing'));
  try {
    await file.datasync();
  } catch (error) {
    throw diskFailed(path, error);
  } finally {
    await file.close();
  }
}

async function reopen(source: RecoverySource, { path, header }: Segment, scan: ScanResult): Promise<ActiveSegment> {
  if (scan.sealedFor !== null) {
    throw logDamaged(path, scan.end, `the log goes on in a segment ${scan.sealedFor} that is missing`);
  }
  const file = await attempt(path, () => source.disk.open(path, 'existing'));
  try {
    if (scan.tail === 'torn') await cutTail(file, scan.end, header.segmentBytes);
    await file.datasync();
    await source.disk.syncDirectory(source.directory);
  } catch (error) {
    throw diskFailed(path, error);
  }
  return new ActiveSegment(file, path, header, scan.end, scan.nextSequence);
}

/** Zeroes what a torn write left, so that the next frame is judged by its own sectors. */
async function cutTail(file: DiskFile, from: number, to: number): Promise<void> {
  const rest = Buffer.alloc(to - from);
  await file.read(rest, from);
  let dirtyEnd = rest.length;
  while (dirtyEnd > 0 && isZero(rest, dirtyEnd - 1, dirtyEnd)) dirtyEnd -= 1;
  await zero(file, from, from + dirtyEnd);
}

async function readBytes(disk: Disk, path: string, limit: number | null): Promise<Buffer> {
  const file = await attempt(path, () => disk.open(path, 'existing'));
  try {
    const size = await file.size();
    const bytes = Buffer.alloc(limit === null ? size : Math.min(size, limit));
    return bytes.subarray(0, await file.read(bytes, 0));
  } catch (error) {
    throw diskFailed(path, error);
  } finally {
    await file.close();
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw unusable(path, error);
  }
}
