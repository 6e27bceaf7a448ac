import { describe, expect, it } from 'vitest';
import type { PersistBatch } from '../../../node/src/raft/types.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import { batch, entry, modelOf, printLog, recoverFrom, seededRandom, walOptions } from './log-model.ts';
import { SimulatedDisk } from './simulated-disk.ts';

/**
 * Votes, truncations, zeros, long and short entries, two compactions, a log replaced by a snapshot; some batches together, so that they
 * share a frame; nine segments, of which most are removed on the way.
 */
const script: readonly (readonly PersistBatch[])[] = [
  [batch(1, [], { hardState: { term: 1, votedFor: 'node-1', foundedElsewhere: false } })],
  [batch(2, [entry(1, 1, 'first')]), batch(3, [entry(2, 1, new Uint8Array(700)), entry(3, 1, 'third')])],
  [batch(4, [entry(4, 1, 'x'.repeat(600))])],
  [
    batch(5, [entry(3, 2, 'new third')], {
      hardState: { term: 2, votedFor: null, foundedElsewhere: true },
      truncateFrom: 3,
    }),
  ],
  [batch(6, [entry(4, 2, new Uint8Array(900).fill(7))]), batch(7, [entry(5, 2, 'y'.repeat(500))])],
  [batch(8, [], { truncateFrom: 5, hardState: { term: 3, votedFor: 'node-2', foundedElsewhere: true } })],
  [batch(9, [entry(5, 3, new Uint8Array(1100))]), batch(10, [entry(6, 3, 'z'.repeat(3000))])],
  [batch(11, [], { base: { index: 4, term: 2 }, hardState: { term: 3, votedFor: 'node-2', foundedElsewhere: false } })],
  [
    batch(12, [entry(7, 3, 'w'.repeat(900))]),
    batch(13, [], { hardState: { term: 4, votedFor: null, foundedElsewhere: false } }),
  ],
  [
    batch(14, [entry(8, 4, new Uint8Array(1200).fill(1))]),
    batch(15, [], { base: { index: 7, term: 3 }, hardState: { term: 4, votedFor: null, foundedElsewhere: false } }),
  ],
  [batch(16, [entry(9, 4, 'v'.repeat(1500))])],
  [
    batch(17, [], {
      truncateFrom: 8,
      base: { index: 20, term: 6 },
      hardState: { term: 6, votedFor: null, foundedElsewhere: false },
    }),
  ],
  [batch(18, [entry(21, 6, 'u'.repeat(1500))])],
  [batch(19, [entry(22, 6, 'last')])],
];
const all = script.flat();

/** Runs the script until the power goes; returns how many batches were acknowledged. */
async function runScript(disk: SimulatedDisk): Promise<number> {
  let acknowledged = 0;
  const wal = createWalStore(walOptions(disk));
  try {
    await wal.open();
    for (const together of script) {
      await Promise.all(together.map((each) => wal.append(each).then(() => (acknowledged += 1))));
    }
    await wal.close();
  } catch (error) {
    if (disk.hasPower) throw error;
  }
  return acknowledged;
}

/** The number of batches the recovered log holds; fails where it is no state the script went through. */
function batchesIn(recovered: string, acknowledged: number): number {
  for (let count = acknowledged; count <= all.length; count += 1) {
    if (printLog(modelOf(all.slice(0, count))) === recovered) return count;
  }
  throw new Error(`acknowledged ${acknowledged} batches, recovered:\n${recovered}`);
}

describe('W1, W3, W4: power cut during every disk operation', () => {
  it('keeps every acknowledged batch and invents nothing, whatever survived of the unsynced sectors', async () => {
    const whole = new SimulatedDisk();
    expect(await runScript(whole)).toBe(all.length);
    for (let cut = 1; cut <= whole.operations; cut += 1) {
      for (let seed = 0; seed < 6; seed += 1) {
        const disk = new SimulatedDisk();
        disk.powerCutAt = cut;
        const acknowledged = await runScript(disk);
        const random = seed === 0 ? () => 0 : seed === 1 ? () => 0.999 : seededRandom(cut * 1000 + seed);
        const left = disk.afterPowerCut(random);
        const count = batchesIn(printLog(await recoverFrom(left)), acknowledged);
        // Recovery made it durable: another power cut takes nothing of it, and the log goes on from there.
        const again = left.afterPowerCut(() => 0);
        const wal = createWalStore(walOptions(again));
        expect(printLog(await wal.open())).toBe(printLog(modelOf(all.slice(0, count))));
        for (const each of all.slice(count)) await wal.append(each);
        await wal.close();
        expect(printLog(await recoverFrom(again))).toBe(printLog(modelOf(all)));
      }
    }
  }, 60_000);

  it('keeps them also when the power goes again during recovery', async () => {
    const whole = new SimulatedDisk();
    await runScript(whole);
    for (let cut = 1; cut <= whole.operations; cut += 1) {
      const disk = new SimulatedDisk();
      disk.powerCutAt = cut;
      const acknowledged = await runScript(disk);
      const random = seededRandom(cut);
      for (let second = 1; second <= 8; second += 1) {
        const left = disk.afterPowerCut(seededRandom(cut * 77 + second));
        left.powerCutAt = second;
        await recoverFrom(left).catch((error: unknown) => {
          if (left.hasPower) throw error;
        });
        batchesIn(printLog(await recoverFrom(left.afterPowerCut(random))), acknowledged);
      }
    }
  }, 60_000);

  it('W4: what a start finds after SIGKILL survives a power cut after that start', async () => {
    const disk = new SimulatedDisk();
    const wal = createWalStore(walOptions(disk));
    await wal.open();
    await wal.append(all[0]!);
    let syncing: () => void = () => undefined;
    const synced = new Promise<void>((resolve) => (syncing = resolve));
    // Written, in sync, not yet on the medium: here the process is killed.
    disk.syncGate = () => {
      syncing();
      return new Promise(() => undefined);
    };
    void wal.append(batch(2, [entry(1, 1, 'in the page cache')]));
    await synced;
    const killed = disk.afterKill();
    const found = printLog(await recoverFrom(killed));
    expect(found).toContain('1@1 command');
    expect(printLog(await recoverFrom(killed.afterPowerCut(() => 0)))).toBe(found);
  });

  it('W4: SIGKILL during every disk operation, then a start that goes on, then a power cut', async () => {
    const whole = new SimulatedDisk();
    await runScript(whole);
    for (let cut = 1; cut <= whole.operations; cut += 1) {
      const disk = new SimulatedDisk();
      disk.powerCutAt = cut;
      const acknowledged = await runScript(disk);
      const killed = disk.afterKill();
      const wal = createWalStore(walOptions(killed));
      const count = batchesIn(printLog(await wal.open()), acknowledged);
      for (const each of all.slice(count)) await wal.append(each);
      expect(printLog(await recoverFrom(killed.afterPowerCut(() => 0)))).toBe(printLog(modelOf(all)));
      await wal.close();
    }
  });
});
