import { describe, expect, it } from 'vitest';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import type { PersistBatch } from '../../../node/src/raft/types.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import { batch, entry, modelOf, printLog, recoverFrom, walOptions } from './log-model.ts';
import { ManualClock } from '../transport/manual-clock.ts';
import { errno, SimulatedDisk } from './simulated-disk.ts';

const one = batch(1, [entry(1, 1, 'one')]);
const two = batch(2, [entry(2, 1, 'two')]);
const three = batch(3, [entry(3, 1, 'three')]);

async function rejection(promise: Promise<unknown>): Promise<TuttiError> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(TuttiError);
  return outcome as TuttiError;
}

/** Lets everything run that needs no further event. */
async function settle(disk: SimulatedDisk): Promise<void> {
  for (let before = -1; before !== disk.trace.length;) {
    before = disk.trace.length;
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  }
}

describe('W5: a failed write or sync', () => {
  it.each(['write', 'datasync'] as const)(
    'of a batch (%s) fails it and all later ones; the disk is not touched again',
    async (failing) => {
      const disk = new SimulatedDisk();
      const wal = createWalStore(walOptions(disk));
      await wal.open();
      await settle(disk);
      await wal.append(one);
      let faults = 0;
      disk.fault = (operation, path) => {
        if (operation !== failing || !path.endsWith('.wal') || faults > 0) return null;
        faults += 1;
        return errno('EIO', path);
      };
      const failed = wal.append(two);
      const queued = wal.append(three);
      const error = await rejection(failed);
      expect(error.code).toBe('DISK_FAILED');
      expect(error.message).toMatch(/\.wal.*EIO/);
      expect(await rejection(queued)).toBe(error);
      const operations = disk.trace.length;
      expect(await rejection(wal.append(three))).toBe(error);
      await settle(disk);
      expect(disk.trace).toHaveLength(operations);
      // What was acknowledged is there, whatever became of the rest.
      expect(printLog(await recoverFrom(disk.afterPowerCut(() => 0)))).toBe(printLog(modelOf([one])));
      await wal.close();
    },
  );

  it('while the next segment is prepared fails the log at once, although no batch needs that segment yet', async () => {
    const disk = new SimulatedDisk();
    disk.fault = (operation, path) =>
      operation === 'datasync' && path.endsWith('.blank') && disk.names().some((name) => name.endsWith('.wal'))
        ? errno('EIO', path)
        : null;
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    await settle(disk);
    const error = await rejection(wal.append(one));
    expect(error.code).toBe('DISK_FAILED');
    expect(error.message).toContain('.blank');
    await wal.close();
  });
});

describe('W8: a full disk', () => {
  it('is waited for: nothing is acknowledged meanwhile, and the log goes on once there is room', async () => {
    const disk = new SimulatedDisk();
    disk.capacityBytes = 2 * 2048 + 700;
    const clock = new ManualClock();
    const said: string[] = [];
    const say = (_: object, message: string): void => void said.push(message);
    const wal = createWalStore(walOptions(disk, { clock, log: { ...silentLog, error: say, warn: say } }));
    await wal.open();
    const all = Array.from({ length: 30 }, (_, i) => batch(i + 1, [entry(i + 1, 1, 'x'.repeat(300))]));
    let acknowledged = 0;
    const writing = Promise.all(all.map((each) => wal.append(each).then(() => (acknowledged += 1))));
    for (let look = 0; look < 5; look += 1) {
      await settle(disk);
      clock.advance(500);
    }
    const stored = acknowledged;
    expect(stored).toBeLessThan(30);
    expect(printLog(await recoverFrom(disk.afterPowerCut(() => 0)))).toBe(printLog(modelOf(all.slice(0, stored))));
    expect(said).toEqual([expect.stringContaining('the disk is full')]);
    disk.capacityBytes = Infinity;
    clock.advance(500);
    await writing;
    await wal.close();
    expect(said[1]).toBe('the disk has room again');
    expect(printLog(await recoverFrom(disk.afterPowerCut(() => 0)))).toBe(printLog(modelOf(all)));
  });

  it('does not keep a log from closing: what waits is refused, and it opens again once there is space', async () => {
    const disk = new SimulatedDisk();
    // Room for the first segment and the one prepared, not for a third.
    disk.capacityBytes = 2 * 2048 + 700;
    const wal = createWalStore(walOptions(disk, { clock: new ManualClock() }));
    await wal.open();
    const acknowledged: PersistBatch[] = [];
    const errors: TuttiError[] = [];
    const writing: Promise<void>[] = [];
    for (let index = 1; index < 30; index += 1) {
      const each = batch(index, [entry(index, 1, 'x'.repeat(300))]);
      writing.push(
        wal.append(each).then(
          () => void acknowledged.push(each),
          (thrown: unknown) => void errors.push(thrown as TuttiError),
        ),
      );
    }
    await settle(disk);
    await wal.close();
    await Promise.all(writing);
    expect(errors[0]?.code).toBe('DISK_FAILED');
    expect(errors[0]?.message).toMatch(/disk is full \(ENOSPC\).*free space and start this node again/);
    expect(acknowledged.length).toBeGreaterThan(3);
    const later = disk.afterKill();
    expect(printLog(await recoverFrom(later))).toBe(printLog(modelOf(acknowledged)));
  });

  it('at the first start is told as such too', async () => {
    const disk = new SimulatedDisk();
    disk.capacityBytes = 1000;
    const error = await rejection(createWalStore(walOptions(disk)).open());
    expect(error).toMatchObject({ code: 'DISK_FAILED' });
    expect(error.message).toContain('ENOSPC');
  });
});

describe('W7: names on disk', () => {
  it('every created, renamed or removed file is followed by a sync of the directory before anything is acknowledged', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    for (let index = 1; index <= 40; index += 1) {
      await wal.append(batch(index, [entry(index, 1, 'x'.repeat(400))]));
      const named = disk.trace.findLastIndex(({ operation }) => operation === 'rename' || operation === 'unlink');
      const synced = disk.trace.findLastIndex(({ operation }) => operation === 'syncDirectory');
      expect(synced).toBeGreaterThan(named);
      expect((await recoverFrom(disk.afterPowerCut(() => 0))).entries).toHaveLength(index);
    }
    await wal.close();
    expect(disk.names().filter((name) => name.endsWith('.wal')).length).toBeGreaterThan(8);
  });
});

describe('group commit', () => {
  it('R17: batches given while a sync runs share the next write and sync, and are acknowledged in order', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    await settle(disk);
    let release: () => void = () => undefined;
    disk.syncGate = () => new Promise((resolve) => (release = resolve));
    const logOperations = (): string[] =>
      disk.trace.filter(({ path }) => path.endsWith('.wal')).map(({ operation }) => operation);
    const before = logOperations().length;
    const order: number[] = [];
    const note = (ticket: number) => () => order.push(ticket);
    const first = wal.append(one).then(note(1));
    await settle(disk);
    const others = Array.from({ length: 20 }, (_, i) => {
      const ticket = i + 2;
      return wal.append(batch(ticket, [entry(ticket, 1, 'short')])).then(note(ticket));
    });
    await settle(disk);
    expect(order).toEqual([]);
    disk.syncGate = () => Promise.resolve();
    release();
    await Promise.all([first, ...others]);
    expect(logOperations().slice(before)).toEqual(['write', 'datasync', 'write', 'datasync']);
    expect(order).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    await wal.close();
  });

  it('closing waits for what was given and refuses what comes later', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    const pending = wal.append(one);
    const closed = wal.close();
    expect(await rejection(wal.append(two))).toMatchObject({ code: 'SHUTTING_DOWN' });
    await Promise.all([pending, closed]);
    expect(printLog(await recoverFrom(disk))).toBe(printLog(modelOf([one])));
  });
});

describe('bounds', () => {
  it('a batch longer than a segment gets a segment of its own length', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    const long = batch(1, [entry(1, 1, 'l'.repeat(10_000))]);
    await Promise.all([wal.append(long), wal.append(two), wal.append(three)]);
    await wal.close();
    expect(printLog(await recoverFrom(disk))).toBe(printLog(modelOf([long, two, three])));
  });

  it('a batch beyond 64 MiB is refused as too large and the log goes on', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    const huge = { index: 1, term: 1, kind: 'command' as const, data: new Uint8Array(64 * 2 ** 20) };
    expect(await rejection(wal.append(batch(1, [huge])))).toMatchObject({ code: 'TOO_LARGE' });
    await wal.append(one);
    await wal.close();
    expect(printLog(await recoverFrom(disk))).toBe(printLog(modelOf([one])));
  });

  it('a disk that takes nothing while 256 MiB wait has failed', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    await settle(disk);
    let release: () => void = () => undefined;
    disk.syncGate = () => new Promise((resolve) => (release = resolve));
    const data = new Uint8Array(40 * 2 ** 20);
    const outcomes = [wal.append(one)];
    await settle(disk);
    for (let index = 2; index <= 8; index += 1) {
      outcomes.push(wal.append(batch(index, [{ index, term: 1, kind: 'command', data }])));
    }
    const last = await rejection(outcomes.at(-1)!);
    expect(last).toMatchObject({ code: 'DISK_FAILED' });
    expect(last.message).toMatch(/\d+ MiB wait/);
    const settled = Promise.allSettled(outcomes);
    disk.syncGate = () => Promise.resolve();
    release();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', ...Array<string>(7).fill('rejected')]);
    await wal.close();
  });

  it('a gap between entries is a bug of the caller and throws', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    expect(() => wal.append(two)).toThrow(/entry 2 follows entry 0/);
    await wal.close();
  });
});

describe('a log that cannot be opened', () => {
  it.each([
    ['list', 'EACCES', 'DATA_DIR_UNUSABLE', /\/wal: EACCES, permission denied: give/],
    ['list', 'ENOENT', 'DATA_DIR_UNUSABLE', /\/wal: ENOENT, .*does not exist: create/],
    ['read', 'EIO', 'DISK_FAILED', /\.wal: EIO, .*check the disk/],
    ['datasync', 'EIO', 'DISK_FAILED', /\.wal: EIO, .*check the disk/],
  ] as const)('because of %s and %s ends with %s, path and remedy', async (operation, code, expected, text) => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    await wal.append(one);
    await wal.close();
    disk.fault = (at, path) => (at === operation ? errno(code, path) : null);
    const error = await rejection(createWalStore(walOptions(disk)).open());
    expect(error.code).toBe(expected);
    expect(error.message).toMatch(text);
  });
});
