import { randomBytes } from 'node:crypto';
import { systemClock } from '../../lib/clock.ts';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import { invariant } from '../../lib/invariant.ts';
import { silentLog } from '../../lib/log.ts';
import type { Log } from '../../lib/log.ts';
import type { Incarnation, NodeId, PersistBatch } from '../../raft/types.ts';
import type { Disk } from '../disk.ts';
import { diskFailed } from '../disk-errors.ts';
import type { LogStore, RecoveredLog } from '../log-store.ts';
import { nodeDisk } from '../node-disk.ts';
import { Room } from '../room.ts';
import { BlankFiles } from './blank-files.ts';
import {
  DEFAULT_SEGMENT_BYTES,
  ID_BYTES,
  MAX_BATCH_BYTES,
  MAX_GROUP_BYTES,
  MAX_QUEUED_BYTES,
  SECTOR_BYTES,
} from './layout.ts';
import { batchBytes, encodeBatch } from './records.ts';
import { recover } from './recovery.ts';
import { RetainedSegments } from './retained-segments.ts';
import { NO_SEGMENT, type SegmentHeader } from './segment-header.ts';
import { beginSegment, segmentBytesFor, type ActiveSegment } from './segment.ts';

export interface WalOptions {
  /** Exists already and belongs to this process alone (data-dir.ts). */
  readonly directory: string;
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  readonly disk?: Disk;
  /** Times the looks for room on a full disk. */
  readonly clock?: Clock;
  /** Told of a full disk, and of room again. */
  readonly log?: Log;
  /** Length of a segment file, a multiple of 512; the default is 16 MiB. */
  readonly segmentBytes?: number;
  /** Random bytes for the ids of segments. */
  readonly random?: (bytes: number) => Uint8Array;
}

interface Waiting {
  readonly batch: PersistBatch;
  readonly bytes: number;
  readonly lastIndexAfter: number;
  readonly resolve: () => void;
  readonly reject: (error: TuttiError) => void;
}

/**
 * The log as a segmented write-ahead log: one frame, one write and one fdatasync for all batches that were waiting, without
 * a linger: while one sync runs the next group forms by itself (raft.md 5.2: 12 times the appends at 64 writers).
 */
export function createWalStore(options: WalOptions): LogStore {
  return new WalStore(options);
}

/**
 * Makes sure that a log exists in `directory`, at the first start of a node, so that a log missing later is known to be lost.
 * Errors as of `LogStore.open`.
 */
export async function ensureLog(options: WalOptions): Promise<void> {
  const store = new WalStore(options);
  await store.openOnly();
  await store.close();
}

class WalStore implements LogStore {
  readonly #options: WalOptions;
  readonly #disk: Disk;
  readonly #segmentBytes: number;
  readonly #blanks: BlankFiles;
  readonly #retained: RetainedSegments;
  readonly #room: Room;
  #active: ActiveSegment | null = null;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  /** As it will be once all that is queued is on disk. */
  #lastIndex = 0;
  /** As it is on disk. */
  #durableIndex = 0;
  #writing: Promise<void> | null = null;
  #failure: TuttiError | null = null;
  #closed = false;

  constructor(options: WalOptions) {
    this.#options = options;
    this.#disk = options.disk ?? nodeDisk;
    this.#segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    invariant(this.#segmentBytes % SECTOR_BYTES === 0, 'segmentBytes is a multiple of the sector');
    invariant(this.#segmentBytes >= 4 * SECTOR_BYTES, 'a segment has room for frames');
    this.#room = new Room(options.clock ?? systemClock, options.log ?? silentLog);
    const onFailure = (error: unknown): void => void this.#fail(diskFailed(options.directory, error));
    this.#blanks = new BlankFiles({
      disk: this.#disk,
      directory: options.directory,
      usualBytes: this.#segmentBytes,
      newId: () => this.#newId(),
      room: this.#room,
      onFailure,
    });
    this.#retained = new RetainedSegments(this.#disk, options.directory, onFailure);
  }

  async open(): Promise<RecoveredLog> {
    const log = await this.openOnly();
    this.#room.open();
    this.#blanks.prepare();
    return log;
  }

  /** Opens without preparing a file ahead: for who closes again at once. */
  async openOnly(): Promise<RecoveredLog> {
    invariant(this.#active === null && !this.#closed, 'a log is opened once');
    const recovery = await recover({ ...this.#options, disk: this.#disk });
    const { hardState, base, entries, active, segments, baseSaidIn } = recovery;
    this.#lastIndex = base.index + entries.length;
    this.#durableIndex = this.#lastIndex;
    for (const segment of segments) this.#retained.add(segment);
    this.#active = active ?? (await this.#beginFirst());
    this.#active.room = this.#room;
    if (baseSaidIn !== null) this.#retained.release(base.index, baseSaidIn);
    return { hardState, base, entries };
  }

  append(batch: PersistBatch): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(new TuttiError('SHUTTING_DOWN', 'the log is closed'));
    invariant(this.#active !== null, 'a log is opened before it is written');
    const bytes = batchBytes(batch);
    if (bytes > MAX_BATCH_BYTES) {
      return Promise.reject(new TuttiError('TOO_LARGE', `a batch of ${bytes} bytes; at most ${MAX_BATCH_BYTES} fit`));
    }
    const lastIndexAfter = lastIndexOf(batch, this.#lastIndex);
    if (this.#queuedBytes + bytes > MAX_QUEUED_BYTES) {
      const held = Math.round(this.#queuedBytes / 2 ** 20);
      return Promise.reject(this.#fail(diskFailed(this.#active.path, new Error(`${held} MiB wait for one sync`))));
    }
    this.#lastIndex = lastIndexAfter;
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, bytes, lastIndexAfter, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#room.close();
    await this.#writing;
    await this.#blanks.close();
    await this.#retained.close();
    const active = this.#active;
    this.#active = null;
    await active?.close();
  }

  /** Runs while anything is queued; never rejects, each waiting caller hears for itself. */
  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0 && !this.#failure) {
      const active = this.#active;
      invariant(active !== null, 'a log that is written is open');
      const group = this.#takeGroup(active.roomBytes);
      try {
        if (group.length === 0) await this.#rotate(active);
        else await this.#write(active, group);
      } catch (error) {
        const failure = this.#fail(TuttiError.from(error));
        for (const waiting of group) waiting.reject(failure);
      }
    }
    this.#writing = null;
  }

  /** The batches at the head of the queue that go into one frame; none if not even the first fits. */
  #takeGroup(roomBytes: number): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      const after = bytes + waiting.bytes;
      if (after > roomBytes || (count > 0 && after > MAX_GROUP_BYTES)) break;
      bytes = after;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #write(active: ActiveSegment, group: readonly Waiting[]): Promise<void> {
    const bytes = group.reduce((sum, waiting) => sum + waiting.bytes, 0);
    await active.append(bytes, (target) => {
      let offset = 0;
      for (const { batch } of group) offset = encodeBatch(batch, target, offset);
      invariant(offset === bytes, 'a batch takes the bytes it was measured with');
    });
    this.#queuedBytes -= bytes;
    this.#durableIndex = group.at(-1)!.lastIndexAfter;
    const base = group.findLast(({ batch }) => batch.base !== null)?.batch.base ?? null;
    if (base !== null) this.#retained.release(base.index, active.header);
    for (const waiting of group) waiting.resolve();
  }

  /** The order is the point: the next segment is durable under its name, then this one names it, then it is used. */
  async #rotate(active: ActiveSegment): Promise<void> {
    const first = this.#queue[0];
    invariant(first !== undefined, 'a rotation has a batch that waits for it');
    const next = await this.#beginNext(segmentBytesFor(first.bytes, this.#segmentBytes), active);
    await active.seal(next.header.id);
    this.#active = next;
    this.#blanks.prepare();
  }

  async #beginFirst(): Promise<ActiveSegment> {
    return this.#begin(this.#segmentBytes, { previousId: NO_SEGMENT, ordinal: 1, firstSequence: 1 });
  }

  async #beginNext(bytes: number, previous: ActiveSegment): Promise<ActiveSegment> {
    return this.#begin(bytes, {
      previousId: previous.header.id,
      ordinal: previous.header.ordinal + 1,
      // The seal of the previous segment takes a number of its own.
      firstSequence: previous.nextSequence + 1,
    });
  }

  async #begin(
    segmentBytes: number,
    place: Pick<SegmentHeader, 'previousId' | 'ordinal' | 'firstSequence'>,
  ): Promise<ActiveSegment> {
    const { directory, nodeId, incarnation } = this.#options;
    const blank = await this.#blanks.take(segmentBytes);
    const header = {
      ...place,
      id: this.#newId(),
      baseIndex: this.#durableIndex + 1,
      segmentBytes,
      nodeId,
      incarnation,
    };
    const segment = await beginSegment(this.#disk, directory, blank, header, this.#room);
    segment.room = this.#room;
    this.#retained.add(segment);
    return segment;
  }

  /** The first failure is the one everybody hears from now on. */
  #fail(error: TuttiError): TuttiError {
    this.#failure ??= error;
    for (const waiting of this.#queue.splice(0)) waiting.reject(this.#failure);
    return this.#failure;
  }

  #newId(): string {
    const random = this.#options.random ?? randomBytes;
    return Buffer.from(random(ID_BYTES)).toString('hex');
  }
}

/** The last index once `batch` is stored; what does not join on is a bug of the caller. */
function lastIndexOf(batch: PersistBatch, lastIndex: number): number {
  let last = lastIndex;
  if (batch.truncateFrom !== null) {
    invariant(batch.truncateFrom >= 1, 'a truncation begins at index 1 or later');
    last = Math.min(last, batch.truncateFrom - 1);
  }
  if (batch.base !== null) {
    invariant(batch.hardState !== null, 'a batch with a base has the hard state too: what is older may be removed');
    last = Math.max(last, batch.base.index);
  }
  for (const entry of batch.entries) {
    if (entry.index !== last + 1) invariant(false, `entry ${entry.index} follows entry ${last}`);
    last = entry.index;
  }
  return last;
}
