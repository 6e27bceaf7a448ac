import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { HardState, PersistBatch } from '../../../node/src/raft/types.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import { batch, entry, modelOf, printLog, recoverFrom, seededRandom, walOptions } from './log-model.ts';
import { SimulatedDisk } from './simulated-disk.ts';

interface Step {
  readonly ending: 'goOn' | 'close' | 'kill' | 'powerCut';
  readonly together: readonly {
    readonly hardState: HardState | null;
    /** How many of the last entries go, in parts of all. */
    readonly truncate: number | null;
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
      entries: fc.array(
        fc.record({ bytes: fc.integer({ min: 0, max: 1500 }), fill: fc.constantFrom(0, 0, 0x61, 0xff) }),
        { maxLength: 4 },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});

function toBatch(part: Step['together'][number], lastIndex: number, ticket: number): PersistBatch {
  const truncateFrom = part.truncate === null ? null : Math.floor(part.truncate * lastIndex) + 1;
  const base = truncateFrom === null ? lastIndex : truncateFrom - 1;
  const entries = part.entries.map(({ bytes, fill }, i) =>
    entry(base + i + 1, ticket, new Uint8Array(bytes).fill(fill)),
  );
  return batch(ticket, entries, { hardState: part.hardState, truncateFrom });
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
          const each = toBatch(part, modelOf(stored).entries.length, stored.length + 1);
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
