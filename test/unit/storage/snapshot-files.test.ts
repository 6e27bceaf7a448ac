import { describe, expect, it } from 'vitest';
import type { TuttiError } from '../../../node/src/lib/errors.ts';
import { foundedBy } from '../../../node/src/raft/membership.ts';
import type { SnapshotMetadata } from '../../../node/src/raft/types.ts';
import { createFileSnapshotStore } from '../../../node/src/storage/snapshot/file-snapshot-store.ts';
import { SnapshotEncoder } from '../../../node/src/storage/snapshot/format.ts';
import type { SnapshotStore, StoredSnapshot } from '../../../node/src/storage/snapshot-store.ts';
import { seededRandom } from './log-model.ts';
import { errno, SimulatedDisk } from './simulated-disk.ts';

const DIRECTORY = '/snapshots';

function metadataOf(index: number): SnapshotMetadata {
  const membership = foundedBy({ clusterId: 'c', voters: [{ id: 'n1', incarnation: 'i1' }], unmet: 2 });
  return { index, term: 3, membershipIndex: 1, membership };
}

const storeOn = (disk: SimulatedDisk): SnapshotStore => createFileSnapshotStore({ directory: DIRECTORY, disk });
const dataOf = (index: number): Buffer => Buffer.from(`the state after entry ${index}, `.repeat(3));

async function save(store: SnapshotStore, index: number): Promise<StoredSnapshot> {
  const encoder = new SnapshotEncoder(metadataOf(index));
  const draft = await store.begin();
  await draft.write(encoder.header);
  encoder.add(dataOf(index));
  await draft.write(dataOf(index));
  await draft.write(encoder.trailer());
  expect(await draft.check()).toMatchObject({ metadata: metadataOf(index) });
  return draft.commit();
}

/** Indexes of what a start finds, newest first, each read back whole. */
async function found(disk: SimulatedDisk): Promise<{ sound: number[]; damaged: string[] }> {
  const store = storeOn(disk);
  const { sound, damaged } = await store.open();
  for (const snapshot of sound) {
    const { data, metadata } = await store.load(snapshot);
    expect(metadata).toEqual(metadataOf(metadata.index));
    expect(Buffer.from(data).toString()).toBe(dataOf(metadata.index).toString());
  }
  return { sound: sound.map(({ metadata }) => metadata.index), damaged: damaged.map(({ path }) => path) };
}

describe('snapshot files', () => {
  it('keeps the two newest, whatever the order they come in', async () => {
    const disk = new SimulatedDisk();
    const store = storeOn(disk);
    await store.open();
    for (const index of [10, 20, 15, 30]) await save(store, index);
    expect(store.newest()?.metadata.index).toBe(30);
    expect(await found(disk)).toEqual({ sound: [30, 20], damaged: [] });
    expect(disk.names()).toHaveLength(2);
  });

  it('is there or not after a power cut at any operation, and never half; the one before stays (S8)', async () => {
    const whole = new SimulatedDisk();
    const script = async (disk: SimulatedDisk): Promise<number> => {
      let saved = 0;
      try {
        const store = storeOn(disk);
        await store.open();
        for (const index of [10, 20, 30]) {
          await save(store, index);
          saved = index;
        }
      } catch (error) {
        if (disk.hasPower) throw error;
      }
      return saved;
    };
    await script(whole);
    for (let cut = 1; cut <= whole.operations; cut += 1) {
      for (let seed = 0; seed < 5; seed += 1) {
        const disk = new SimulatedDisk();
        disk.powerCutAt = cut;
        const saved = await script(disk);
        const left = disk.afterPowerCut(seed === 0 ? () => 0 : seededRandom(cut * 100 + seed));
        const { sound, damaged } = await found(left);
        expect(damaged).toEqual([]);
        expect(sound[0] ?? 0).toBeGreaterThanOrEqual(saved);
        expect(left.names().every((name) => name.endsWith('.snapshot'))).toBe(true);
      }
    }
  });

  it('is named as damaged, never read, and the one before it is found: each byte flipped, each length (W9)', async () => {
    const disk = new SimulatedDisk();
    const store = storeOn(disk);
    await store.open();
    await save(store, 10);
    await save(store, 20);
    const newest = disk.names()[1]!;
    const bytes = disk.contents(newest);
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      for (const damagedBytes of [flipped, bytes.slice(0, at)]) {
        const copy = disk.afterPowerCut(() => 0);
        copy.place(newest, damagedBytes);
        expect(await found(copy), `byte ${at}`).toEqual({ sound: [10], damaged: [newest] });
      }
    }
  });

  it('is refused under the name of another (W9)', async () => {
    const disk = new SimulatedDisk();
    const store = storeOn(disk);
    await store.open();
    await save(store, 10);
    const [path] = disk.names() as [string];
    disk.place(`${DIRECTORY}/0000000000000099-3.snapshot`, disk.contents(path));
    expect((await found(disk)).damaged).toEqual([`${DIRECTORY}/0000000000000099-3.snapshot`]);
  });

  it('names file, offset and remedy when it is damaged after the start (W9)', async () => {
    const disk = new SimulatedDisk();
    const store = storeOn(disk);
    await store.open();
    const snapshot = await save(store, 10);
    const [path] = disk.names() as [string];
    disk.place(path, disk.contents(path).slice(0, -1));
    const refusal = await store.load(snapshot).catch((error: unknown) => error as TuttiError);
    expect(refusal).toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    expect((refusal as TuttiError).message).toMatch(new RegExp(`${path}, offset \\d+: .*Repair the disk`));
  });

  it('is sent piece by piece, and no more of it once newer ones have replaced it', async () => {
    const disk = new SimulatedDisk();
    const store = storeOn(disk);
    await store.open();
    const snapshot = await save(store, 10);
    const parts = [await store.read(snapshot, 0, 60), await store.read(snapshot, 60, 1e6)];
    const [path] = disk.names() as [string];
    expect(Buffer.concat(parts.map((part) => part!))).toEqual(Buffer.from(disk.contents(path)));
    await save(store, 20);
    await save(store, 30);
    expect(await store.read(snapshot, 0, 60)).toBeNull();
  });

  it('is no snapshot while a piece is missing, and leaves nothing when it is discarded', async () => {
    const disk = new SimulatedDisk();
    const store = storeOn(disk);
    await store.open();
    const draft = await store.begin();
    await draft.write(new SnapshotEncoder(metadataOf(5)).header);
    expect(await draft.check()).toContain('the file ends before its end');
    await draft.discard();
    expect(disk.names()).toEqual([]);
  });

  it('ends the node when the disk fails', async () => {
    const disk = new SimulatedDisk();
    const store = storeOn(disk);
    await store.open();
    disk.fault = (operation) => (operation === 'datasync' ? errno('EIO', 'x') : null);
    await expect(save(store, 5)).rejects.toMatchObject({ code: 'DISK_FAILED' });
  });
});
