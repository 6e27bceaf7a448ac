import { invariant } from '../../lib/invariant.ts';
import type { Entry, EntryKind, HardState, LogPosition, PersistBatch } from '../../raft/types.ts';
import { readUint64, writeUint64 } from './layout.ts';

/**
 * What a frame carries: the records of one or more batches in the order they were given, each batch's hard state first,
 * then its truncation, its base, its entries. Any prefix of them is a state Raft allows.
 *
 *   hard state  1, term (64 bit), founded elsewhere (8 bit, 0 or 1), bytes of the vote (16 bit, 0xffff: none), vote
 *   truncation  2, first index that is gone (64 bit)
 *   base        4, index (64 bit), term (64 bit) of the entry that the log begins behind
 *   entry       3, kind, index (64 bit), term (64 bit), bytes (32 bit), data
 */
const HARD_STATE = 1;
const TRUNCATION = 2;
const ENTRY = 3;
const BASE = 4;

const HARD_STATE_BYTES = 12;
const TRUNCATION_BYTES = 9;
const ENTRY_BYTES = 22;
const BASE_BYTES = 17;
const NO_VOTE = 0xffff;

// The position is what is stored: append to this list, never reorder it.
const entryKinds: readonly EntryKind[] = ['noop', 'membership', 'command'];

export function batchBytes(batch: PersistBatch): number {
  let bytes = 0;
  if (batch.hardState) bytes += HARD_STATE_BYTES + Buffer.byteLength(batch.hardState.votedFor ?? '', 'utf8');
  if (batch.truncateFrom !== null) bytes += TRUNCATION_BYTES;
  if (batch.base !== null) bytes += BASE_BYTES;
  for (const entry of batch.entries) bytes += ENTRY_BYTES + entry.data.length;
  return bytes;
}

/** Writes a batch's records at `at` and returns where they end. */
export function encodeBatch(batch: PersistBatch, target: Buffer, at: number): number {
  let offset = at;
  if (batch.hardState) offset = encodeHardState(batch.hardState, target, offset);
  if (batch.truncateFrom !== null) {
    target.writeUInt8(TRUNCATION, offset);
    writeUint64(target, batch.truncateFrom, offset + 1);
    offset += TRUNCATION_BYTES;
  }
  if (batch.base !== null) {
    target.writeUInt8(BASE, offset);
    writeUint64(target, batch.base.index, offset + 1);
    writeUint64(target, batch.base.term, offset + 9);
    offset += BASE_BYTES;
  }
  for (const entry of batch.entries) {
    target.writeUInt8(ENTRY, offset);
    target.writeUInt8(entryKinds.indexOf(entry.kind), offset + 1);
    writeUint64(target, entry.index, offset + 2);
    writeUint64(target, entry.term, offset + 10);
    target.writeUInt32LE(entry.data.length, offset + 18);
    target.set(entry.data, offset + ENTRY_BYTES);
    offset += ENTRY_BYTES + entry.data.length;
  }
  return offset;
}

function encodeHardState(hardState: HardState, target: Buffer, offset: number): number {
  const vote = hardState.votedFor;
  const voteBytes = vote === null ? 0 : target.write(vote, offset + HARD_STATE_BYTES, 'utf8');
  invariant(voteBytes < NO_VOTE, 'a node id is short');
  target.writeUInt8(HARD_STATE, offset);
  writeUint64(target, hardState.term, offset + 1);
  target.writeUInt8(hardState.foundedElsewhere ? 1 : 0, offset + 9);
  target.writeUInt16LE(vote === null ? NO_VOTE : voteBytes, offset + 10);
  return offset + HARD_STATE_BYTES + voteBytes;
}

/** The log as it grows while its frames are read one after the other. */
export interface Replay {
  hardState: HardState;
  /**
   * The entry behind which the log begins. Its term is null while only the header of the oldest segment tells: then those before it
   * have been removed, and a later record must say that nobody needs them.
   */
  base: LogPosition | { readonly index: number; readonly term: null };
  entries: Entry[];
}

export function lastIndexOf({ base, entries }: Pick<Replay, 'base' | 'entries'>): number {
  return base.index + entries.length;
}

/** Applies a frame's records; returns in words what is wrong with them, or null. */
export function replayRecords(payload: Buffer, log: Replay): string | null {
  let offset = 0;
  try {
    while (offset < payload.length) {
      const type = payload.readUInt8(offset);
      if (type === HARD_STATE) offset = replayHardState(payload, offset, log);
      else if (type === TRUNCATION) offset = replayTruncation(payload, offset, log);
      else if (type === BASE) offset = replayBase(payload, offset, log);
      else if (type === ENTRY) offset = replayEntry(payload, offset, log);
      else return `a record of unknown type ${type}`;
    }
  } catch (error) {
    if (error instanceof RangeError) return `a record that cannot be: ${error.message}`;
    throw error;
  }
  return null;
}

function replayHardState(payload: Buffer, offset: number, log: Replay): number {
  const founded = payload.readUInt8(offset + 9);
  const voteBytes = payload.readUInt16LE(offset + 10);
  const start = offset + HARD_STATE_BYTES;
  const end = voteBytes === NO_VOTE ? start : start + voteBytes;
  if (founded > 1) throw new RangeError('neither founded elsewhere nor not');
  if (end > payload.length) throw new RangeError('a vote beyond the end of its frame');
  const votedFor = voteBytes === NO_VOTE ? null : payload.toString('utf8', start, end);
  log.hardState = { term: readUint64(payload, offset + 1), votedFor, foundedElsewhere: founded === 1 };
  return end;
}

function replayTruncation(payload: Buffer, offset: number, log: Replay): number {
  const from = readUint64(payload, offset + 1);
  const { base } = log;
  if (from < 1 || (from <= base.index && base.term !== null)) {
    throw new RangeError(`a truncation from index ${from} of a log that begins behind entry ${base.index}`);
  }
  log.entries.length = Math.min(log.entries.length, Math.max(0, from - base.index - 1));
  if (from <= base.index) log.base = { index: from - 1, term: null };
  return offset + TRUNCATION_BYTES;
}

function replayBase(payload: Buffer, offset: number, log: Replay): number {
  const index = readUint64(payload, offset + 1);
  const term = readUint64(payload, offset + 9);
  const end = offset + BASE_BYTES;
  const { base, entries } = log;
  if (index < base.index) {
    if (base.term !== null) throw new RangeError(`a base at entry ${index} behind one at entry ${base.index}`);
    return end;
  }
  const known = index === base.index ? base.term : (entries[index - base.index - 1]?.term ?? null);
  if (known !== null && known !== term) throw new RangeError(`a base at entry ${index} of term ${term}, not ${known}`);
  log.entries = entries.slice(index - base.index);
  log.base = { index, term };
  return end;
}

function replayEntry(payload: Buffer, offset: number, log: Replay): number {
  const kind = entryKinds[payload.readUInt8(offset + 1)];
  const index = readUint64(payload, offset + 2);
  const start = offset + ENTRY_BYTES;
  const end = start + payload.readUInt32LE(offset + 18);
  if (kind === undefined) throw new RangeError('an entry of unknown kind');
  if (index !== lastIndexOf(log) + 1) throw new RangeError(`entry ${index} behind entry ${lastIndexOf(log)}`);
  if (end > payload.length) throw new RangeError('an entry beyond the end of its frame');
  // A copy: a view would keep the whole segment in memory for as long as one of its entries lives.
  const data = new Uint8Array(payload.subarray(start, end));
  log.entries.push({ index, term: readUint64(payload, offset + 10), kind, data });
  return end;
}
