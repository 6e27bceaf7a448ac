import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openDataDirectory, type DataDirectory } from '../../../node/src/storage/data-dir.ts';
import type { LogStore } from '../../../node/src/storage/log-store.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import { batch, entry } from './log-model.ts';
import { watched, WatchedFs } from './watched-fs.ts';

// The simulated disk proves in which order the log syncs; this, that a sync reaches the system when the disk is the real one.
vi.mock('node:fs', async (original) => (await import('./watched-fs.ts')).watch(await original()));

const segmentBytes = 4096;
let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tutti-sync-'));
  watched.fs = new WatchedFs();
});
afterEach(() => rmSync(parent, { recursive: true }));

const openData = (): Promise<DataDirectory> =>
  openDataDirectory(join(parent, 'data'), { nodeId: 'a', fallbackNodeId: 'host' }, { segmentBytes });
const storeOf = (data: DataDirectory): LogStore =>
  createWalStore({ directory: data.walDirectory, ...data, segmentBytes });

/** The file prepared for later holds nothing yet. */
const unsynced = (): string[] => watched.fs.unsynced().filter((name) => !name.endsWith('.blank'));

async function closing(data: DataDirectory, log: LogStore): Promise<void> {
  await log.close();
  data.close();
}

it('a new data directory, its identity and its first segment are on the medium once it is open', async () => {
  const data = await openData();
  expect(unsynced()).toEqual([]);
  expect(watched.fs.namedTooEarly).toEqual([]);
  data.close();
});

it('an append resolves after a datasync that was begun after its write, over many segments', async () => {
  const data = await openData();
  const log = storeOf(data);
  await log.open();
  const lostAtResolve: string[] = [];
  const append = async (ticket: number, bytes: number): Promise<void> => {
    const hardState = { term: ticket, votedFor: 'a', foundedElsewhere: true };
    await log.append(batch(ticket, [entry(ticket, 1, 'x'.repeat(bytes))], { hardState }));
    lostAtResolve.push(...unsynced());
  };
  for (let index = 1; index <= 20; index += 1) await append(index, index * 40);
  await Promise.all([21, 22, 23].map((index) => append(index, 100)));
  // Longer than a segment: it gets one made to measure.
  await append(24, 3 * segmentBytes);
  await log.append(batch(25, [entry(11, 2, 'instead')], { truncateFrom: 11 }));
  lostAtResolve.push(...unsynced());
  expect(lostAtResolve).toEqual([]);
  expect(watched.fs.namedTooEarly).toEqual([]);
  expect(readdirSync(data.walDirectory).filter((name) => name.endsWith('.wal')).length).toBeGreaterThan(3);
  await closing(data, log);
});

it('what a start found is on the medium before it says so: the process before may have been killed between write and sync', async () => {
  const data = await openData();
  const first = storeOf(data);
  await first.open();
  for (let index = 1; index <= 8; index += 1) await first.append(batch(index, [entry(index, 1, 'x'.repeat(1000))]));
  await closing(data, first);
  const segments = readdirSync(data.walDirectory)
    .filter((name) => name.endsWith('.wal'))
    .sort();
  expect(segments.length).toBeGreaterThan(2);

  watched.fs = new WatchedFs();
  watched.fs.changed(data.walDirectory);
  const again = await openData();
  const log = storeOf(again);
  expect((await log.open()).entries).toHaveLength(8);
  // The last two: an older one was followed by writes, and before those its seal was synced, or a start did it.
  expect(unsynced().filter((name) => !segments.slice(0, -2).includes(name))).toEqual([]);
  await closing(again, log);
});

it('a torn tail is cut on the medium before anything follows it', async () => {
  const data = await openData();
  const first = storeOf(data);
  await first.open();
  await first.append(batch(1, [entry(1, 1, 'whole')]));
  await closing(data, first);
  const name = readdirSync(data.walDirectory).find((file) => file.endsWith('.wal'))!;
  const file = await open(join(data.walDirectory, name), 'r+');
  // Half a frame: its header was never written, sectors behind it were.
  await file.write(Buffer.alloc(512, 7), 0, 512, 2048);
  await file.close();

  watched.fs = new WatchedFs();
  const again = await openData();
  const log = storeOf(again);
  expect((await log.open()).entries).toHaveLength(1);
  expect(unsynced()).toEqual([]);
  await closing(again, log);
});
