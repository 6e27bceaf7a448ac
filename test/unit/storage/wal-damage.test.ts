import { describe, expect, it } from 'vitest';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { withoutThisDisk } from '../../../node/src/storage/disk-errors.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';
import { batch, DIRECTORY, entry, modelOf, printLog, recoverFrom, store, walOptions } from './log-model.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const mostlyZeros = new Uint8Array(1050);
// The only byte that is not zero in its sector: damage to it must not pass for a sector that was never written.
mostlyZeros[520] = 1;

/** Two segments; the last frame reaches over three sectors and is mostly zeros, the worst case for telling what was written. */
const batches = [
  batch(1, [entry(1, 1, 'one')], { hardState: { term: 1, votedFor: 'node-1', foundedElsewhere: false } }),
  batch(2, [entry(2, 1, 'x'.repeat(700))]),
  batch(3, [entry(3, 1, 'y'.repeat(400))]),
  batch(4, [entry(4, 1, 'four'.repeat(50))]),
  batch(5, [entry(5, 1, mostlyZeros)], { hardState: { term: 2, votedFor: null, foundedElsewhere: true } }),
];

async function storedLog(): Promise<{ disk: SimulatedDisk; files: string[] }> {
  const disk = new SimulatedDisk();
  await store(disk, batches);
  const files = disk.names().filter((name) => name.endsWith('.wal'));
  expect(files).toHaveLength(2);
  return { disk, files };
}

function withFile(disk: SimulatedDisk, path: string, change: (bytes: Uint8Array) => Uint8Array): SimulatedDisk {
  const copy = disk.afterPowerCut(() => 0);
  copy.place(path, change(disk.contents(path).slice()));
  return copy;
}

async function outcomeOf(disk: SimulatedDisk): Promise<{ log: string } | { error: TuttiError }> {
  try {
    return { log: printLog(await recoverFrom(disk)) };
  } catch (error) {
    if (error instanceof TuttiError) return { error };
    throw error;
  }
}

/** A refusal must tell its reader where and what to do. */
function expectRefusal(outcome: { log: string } | { error: TuttiError }, path: string): void {
  const error = 'error' in outcome ? outcome.error : null;
  expect(error?.code).toBe('LOG_DAMAGED');
  expect(error?.message).toContain(path);
  expect(error?.message).toMatch(/offset \d+/);
  expect(error?.message).toContain(withoutThisDisk);
}

/** The nonzero part of the last segment ends here; what was stored last begins there. */
function lastFrame(bytes: Uint8Array): { start: number; end: number } {
  const magic = Buffer.from('TFRM');
  const start = Buffer.from(bytes).lastIndexOf(magic) - 28;
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return { start, end };
}

function zeroSector(bytes: Uint8Array, sector: number, from: number): Uint8Array {
  return bytes.fill(0, Math.max(from, sector * 512), (sector + 1) * 512);
}

describe('damage to what was acknowledged', () => {
  it('is never a silent loss and never an unexplained crash: each byte flipped, inverted, zeroed', async () => {
    const { disk, files } = await storedLog();
    const whole = printLog(modelOf(batches));
    let refused = 0;
    for (const path of files) {
      for (let at = 0; at < disk.contents(path).length; at += 1) {
        for (const change of [(byte: number) => byte ^ 0xff, (byte: number) => byte ^ (1 << (at % 8)), () => 0]) {
          const outcome = await outcomeOf(
            withFile(disk, path, (bytes) => {
              bytes[at] = change(bytes[at]!);
              return bytes;
            }),
          );
          if ('log' in outcome) expect(outcome.log, `${path} at ${at}`).toBe(whole);
          else expectRefusal(outcome, path);
          if ('error' in outcome) refused += 1;
        }
      }
    }
    // The frames and headers make up most of these files: most of the changes are noticed, the rest hit unused bytes.
    expect(refused).toBeGreaterThan(files.length * 2048);
  }, 60_000);

  it('is refused where a file is shorter than it was made, at every length', async () => {
    const { disk, files } = await storedLog();
    for (const path of files) {
      for (let length = 0; length < disk.contents(path).length; length += 1) {
        expectRefusal(await outcomeOf(withFile(disk, path, (bytes) => bytes.slice(0, length))), path);
      }
    }
  });

  it('is refused where a whole file is missing, first or last', async () => {
    const { disk, files } = await storedLog();
    for (const path of files) {
      const copy = disk.afterPowerCut(() => 0);
      copy.place(path, null);
      expectRefusal(
        await outcomeOf(copy),
        files.find((other) => other !== path)!,
      );
    }
  });

  it('W2: a sector of an earlier frame that reads as zeros is refused, although a torn write would look like that', async () => {
    const { disk, files } = await storedLog();
    const [first] = files as [string];
    for (const sector of [1, 2]) {
      expectRefusal(await outcomeOf(withFile(disk, first, (bytes) => zeroSector(bytes, sector, 0))), first);
    }
  });

  it('is refused where the end of a segment that names the next one is lost', async () => {
    const { disk, files } = await storedLog();
    const [first, second] = files as [string, string];
    const unsealed = withFile(disk, first, (bytes) => bytes.fill(0, lastFrame(bytes).start));
    expectRefusal(await outcomeOf(unsealed), second);
  });

  it('a log of another node is refused by naming both', async () => {
    const { disk, files } = await storedLog();
    const other = createWalStore(walOptions(disk, { nodeId: 'node-2' }));
    const refusal = await other.open().catch((error: unknown) => error as TuttiError);
    expect(refusal).toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
    expect((refusal as TuttiError).message).toMatch(/node-1.*node-2/);
    expect((refusal as TuttiError).message).toContain(files[0]);
  });
});

describe('damage to a log whose beginning was removed for a snapshot', () => {
  const compacted = [
    ...batches,
    batch(6, [], { base: { index: 5, term: 1 }, hardState: { term: 2, votedFor: null, foundedElsewhere: false } }),
    batch(7, [entry(6, 2, 'six'.repeat(30))]),
  ];

  it('is never a silent loss: each byte flipped, each length', async () => {
    const disk = new SimulatedDisk();
    await store(disk, compacted);
    const files = disk.names().filter((name) => name.endsWith('.wal'));
    expect(files).toHaveLength(1);
    const whole = printLog(modelOf(compacted));
    const path = files[0]!;
    for (let at = 0; at < disk.contents(path).length; at += 1) {
      const flipped = await outcomeOf(
        withFile(disk, path, (bytes) => {
          bytes[at]! ^= 1 << (at % 8);
          return bytes;
        }),
      );
      if ('log' in flipped) expect(flipped.log, `${path} at ${at}`).toBe(whole);
      else expectRefusal(flipped, path);
      expectRefusal(await outcomeOf(withFile(disk, path, (bytes) => bytes.slice(0, at))), path);
    }
  }, 60_000);

  it('is refused where the word on the beginning was written last and is lost', async () => {
    const disk = new SimulatedDisk();
    await store(disk, compacted.slice(0, 6));
    const path = disk.names().find((name) => name.endsWith('.wal'))!;
    const outcome = await outcomeOf(withFile(disk, path, (bytes) => bytes.fill(0, lastFrame(bytes).start)));
    expectRefusal(outcome, path);
    expect('error' in outcome && outcome.error.message).toContain('the log before entry 6 is missing');
  });
});

describe('a torn last write', () => {
  it('W2, W3: whatever sectors of it were not written, it is cut off and what was acknowledged before stays', async () => {
    const { disk, files } = await storedLog();
    const last = files[1]!;
    const { start, end } = lastFrame(disk.contents(last));
    const sectors = Array.from(
      { length: Math.ceil(end / 512) - Math.floor(start / 512) },
      (_, i) => i + Math.floor(start / 512),
    );
    expect(sectors.length).toBeGreaterThanOrEqual(3);
    for (let lost = 1; lost < 2 ** sectors.length; lost += 1) {
      const torn = withFile(disk, last, (bytes) => {
        sectors.forEach((sector, bit) => {
          if (lost & (1 << bit)) zeroSector(bytes, sector, start);
        });
        return bytes;
      });
      expect(await outcomeOf(torn)).toEqual({ log: printLog(modelOf(batches.slice(0, 4))) });
      // Cut durably: not even the bytes are left, and the next write goes where this one was.
      expect(
        torn
          .afterPowerCut(() => 0)
          .contents(last)
          .subarray(start)
          .every((byte) => byte === 0),
      ).toBe(true);
      await store(torn, [batches[4]!]);
      expect(await outcomeOf(torn)).toEqual({ log: printLog(modelOf(batches)) });
    }
  });

  it('is damage where all its sectors were written', async () => {
    const { disk, files } = await storedLog();
    const last = files[1]!;
    const { start, end } = lastFrame(disk.contents(last));
    const damaged = withFile(disk, last, (bytes) => {
      bytes[end - 9]! ^= 0x40;
      return bytes;
    });
    const outcome = await outcomeOf(damaged);
    expectRefusal(outcome, last);
    expect('error' in outcome && outcome.error.message).toContain(`offset ${start}:`);
  });
});

describe('W6: bytes of another segment', () => {
  it('do not come back to life where a file once held them', async () => {
    const { disk, files } = await storedLog();
    const older = new SimulatedDisk();
    await store(
      older,
      [batches[0]!, batches[1]!, batches[2]!].map((each) => ({ ...each })),
    );
    const source = older.contents(older.names().find((name) => name.endsWith('.wal'))!);
    const last = files[1]!;
    // As if this file had been used before and not been zeroed: behind the last frame an old frame stands.
    const recycled = withFile(disk, last, (bytes) => {
      const { start } = lastFrame(bytes);
      bytes.fill(0, start);
      bytes.set(source.subarray(512, 512 + bytes.length - start), start);
      return bytes;
    });
    expectRefusal(await outcomeOf(recycled), last);
  });

  it('a file of another continuation of the same segment is refused, though index and predecessor fit', async () => {
    const common = new SimulatedDisk();
    await store(common, batches.slice(0, 3));
    const [ours, theirs] = [common.afterPowerCut(() => 0), common.afterPowerCut(() => 0)] as const;
    await store(ours, [batches[3]!]);
    await store(theirs, [batch(4, [entry(4, 7, 'theirs'.repeat(40))])]);
    const second = (disk: SimulatedDisk): string => disk.names().filter((name) => name.endsWith('.wal'))[1]!;
    const stale = second(theirs);
    ours.place(second(ours), null);
    ours.place(stale, theirs.contents(stale));
    expectRefusal(await outcomeOf(ours), stale);
  });

  it('a left-over file with the same base index is refused, not read', async () => {
    const { disk } = await storedLog();
    const other = new SimulatedDisk();
    await store(other, [...batches.slice(0, 4), batch(5, [entry(5, 9, 'another history'.repeat(80))])]);
    const stale = other.names().filter((name) => name.endsWith('.wal'))[1]!;
    disk.place(stale, other.contents(stale));
    const outcome = await outcomeOf(disk);
    expect('error' in outcome && outcome.error.code).toBe('LOG_DAMAGED');
    expect('error' in outcome && outcome.error.message).toContain(DIRECTORY);
  });
});
