import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Entry, HardState, LogPosition, PersistBatch } from '../../../node/src/raft/types.ts';
import type { RecoveredLog } from '../../../node/src/storage/log-store.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import { batch, entry, modelOf, printLog, recoverFrom, seededRandom, walOptions } from './log-model.ts';
import { SimulatedDisk } from './simulated-disk.ts';

interface Step {
  readonly ending: 'goOn' | 'close' | 'kill' | 'powerCut';
  readonly together: readonly {
    readonly hardState: HardState | null;
    /** How many of the last entries go, in parts of all. */
    readonly truncate: number | null;
    /** How many of the entries that stay are compacted, in parts of all; above 1: a snapshot from further on replaces the log. */
    readonly compact: number | null;
    readonly entries: readonly { readonly bytes: number; readonly fill: number }[];
  }[];
}

const step: fc.Arbitrary<Step> = fc.record({
  ending: fc.constantFrom('goOn' as const, 'goOn' as const, 'close' as const, 'kill' as const, 'powerCut' as const),
  together: fc.array(
    fc.record({
      hardState: fc.option(
        fc.record({
          term: fc.nat(),
          votedFor: fc.option(fc.string({ maxLength: 40 })),
          foundedElsewhere: fc.boolean(),
        }),
      ),
      truncate: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      compact: fc.option(fc.double({ min: 0, max: 1.2, noNaN: true }), { freq: 3 }),
      entries: fc.array(
        fc.record({ bytes: fc.integer({ min: 0, max: 1500 }), fill: fc.constantFrom(0, 0, 0x61, 0xff) }),
        { maxLength: 4 },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});

function toBatch(part: Step['together'][number], log: RecoveredLog, ticket: number): PersistBatch {
  const truncateFrom =
    part.truncate === null ? null : Math.floor(part.truncate * log.entries.length) + 1 + log.base.index;
  const kept = log.entries.filter(({ index }) => truncateFrom === null || index < truncateFrom);
  const base = part.compact === null ? null : compactTo(part.compact, kept, log.base, ticket);
  const last = Math.max(base?.index ?? 0, kept.at(-1)?.index ?? log.base.index);
  const entries = part.entries.map(({ bytes, fill }, i) =>
    entry(last + i + 1, ticket, new Uint8Array(bytes).fill(fill)),
  );
  const hardState = part.hardState ?? (base === null ? null : log.hardState);
  return batch(ticket, entries, { hardState, truncateFrom, base });
}

function compactTo(share: number, kept: readonly Entry[], base: LogPosition, ticket: number): LogPosition {
  if (share > 1) return { index: base.index + kept.length + 5, term: ticket };
  const last = kept[Math.floor(share * kept.length) - 1];
  return last === undefined ? base : { index: last.index, term: last.term };
}

it('holds what a list in memory would hold, through restarts, kills and power cuts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.integer(), async (steps, seed) => {
      const random = seededRandom(seed);
      const stored: PersistBatch[] = [];
      let disk = new SimulatedDisk();
      let wal = createWalStore(walOptions(disk));
      await wal.open();
      for (const { together, ending } of steps) {
        const writes: Promise<void>[] = [];
        for (const part of together) {
          const each = toBatch(part, modelOf(stored), stored.length + 1);
          writes.push(wal.append(each));
          stored.push(each);
        }
        await Promise.all(writes);
        if (ending === 'goOn') continue;
        if (ending === 'close') await wal.close();
        if (ending === 'kill') disk = disk.afterKill();
        if (ending === 'powerCut') disk = disk.afterPowerCut(random);
        wal = createWalStore(walOptions(disk));
        expect(printLog(await wal.open())).toBe(printLog(modelOf(stored)));
      }
      await wal.close();
      expect(printLog(await recoverFrom(disk))).toBe(printLog(modelOf(stored)));
    }),
    { numRuns: 150 },
  );
});

it('takes no more disk over many compactions than the log behind the last one', async () => {
  const disk = new SimulatedDisk();
  const wal = createWalStore(walOptions(disk));
  await wal.open();
  for (let index = 1; index <= 600; index += 1) {
    const hardState = { term: 1, votedFor: null, foundedElsewhere: false };
    const base = index % 10 === 0 ? { index: index - 5, term: 1 } : null;
    await wal.append(batch(index, [], { base, hardState }));
    await wal.append(batch(index, [entry(index, 1, `entry ${index}`.repeat(20))]));
    // Three segments hold what is behind the last compaction; one waits, one is being removed, one is prepared ahead.
    expect(disk.names().length).toBeLessThanOrEqual(6);
  }
  await wal.close();
  const { base, entries } = await recoverFrom(disk);
  expect([base.index, entries.length]).toEqual([595, 5]);
});

it('reads back every entry, in order, over many segments', async () => {
  const disk = new SimulatedDisk();
  const wal = createWalStore(walOptions(disk));
  await wal.open();
  const batches = Array.from({ length: 500 }, (_, i) => batch(i, [entry(i + 1, 1, `entry ${i}`.repeat(1 + (i % 20)))]));
  for (const each of batches) await wal.append(each);
  await wal.close();
  expect(disk.names().filter((name) => name.endsWith('.wal')).length).toBeGreaterThan(30);
  expect(printLog(await recoverFrom(disk))).toBe(printLog(modelOf(batches)));
});
