import { emptyHardState } from '../../../node/src/raft/types.ts';
import type { Entry, HardState, LogPosition, PersistBatch } from '../../../node/src/raft/types.ts';
import type { RecoveredLog } from '../../../node/src/storage/log-store.ts';
import { createWalStore, type WalOptions } from '../../../node/src/storage/wal/wal-store.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** What a log must hold once these batches are stored: the contract in a dozen lines. */
export function modelOf(batches: readonly PersistBatch[]): RecoveredLog {
  let hardState: HardState = emptyHardState;
  let base: LogPosition = { index: 0, term: 0 };
  let entries: Entry[] = [];
  for (const batch of batches) {
    hardState = batch.hardState ?? hardState;
    const { truncateFrom } = batch;
    if (truncateFrom !== null) entries = entries.filter((entry) => entry.index < truncateFrom);
    base = batch.base ?? base;
    entries = [...entries.filter(({ index }) => index > base.index), ...batch.entries];
  }
  return { hardState, base, entries };
}

/** One line per state, so that states can be compared and a difference read. */
export function printLog({ hardState, base, entries }: RecoveredLog): string {
  const lines = entries.map(
    (entry) => `${entry.index}@${entry.term} ${entry.kind} ${Buffer.from(entry.data).toString('hex')}`,
  );
  const { term, votedFor, foundedElsewhere } = hardState;
  const promised = `term ${term} vote ${String(votedFor)} founded ${foundedElsewhere}`;
  return [`${promised} behind ${base.index}@${base.term}`, ...lines].join('\n');
}

export const DIRECTORY = '/wal';

export function walOptions(disk: SimulatedDisk, options: Partial<WalOptions> = {}): WalOptions {
  return {
    directory: DIRECTORY,
    disk,
    nodeId: 'node-1',
    incarnation: 'c0ffee',
    segmentBytes: 2048,
    random: countingRandom(),
    ...options,
  };
}

// Ids must differ between the stores of one test, as random ones do.
let idsGiven = 0;
function countingRandom(): (bytes: number) => Uint8Array {
  return (bytes) => {
    idsGiven += 1;
    const id = new Uint8Array(bytes).fill(0xa5);
    new DataView(id.buffer).setUint32(0, idsGiven);
    return id;
  };
}

export async function recoverFrom(disk: SimulatedDisk): Promise<RecoveredLog> {
  const store = createWalStore(walOptions(disk));
  const log = await store.open();
  await store.close();
  return log;
}

/** Stores `batches`, each after the one before it is durable, and closes. */
export async function store(disk: SimulatedDisk, batches: readonly PersistBatch[]): Promise<void> {
  const wal = createWalStore(walOptions(disk));
  await wal.open();
  for (const batch of batches) await wal.append(batch);
  await wal.close();
}

export function entry(index: number, term: number, data: Uint8Array | string): Entry {
  return { index, term, kind: 'command', data: new Uint8Array(Buffer.from(data)) };
}

export function batch(ticket: number, entries: readonly Entry[], extra: Partial<PersistBatch> = {}): PersistBatch {
  return { ticket, hardState: null, truncateFrom: null, base: null, entries, ...extra };
}

/** mulberry32: small, seeded, good enough to choose faults. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
