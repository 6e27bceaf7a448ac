import { openDataDirectory } from '../../../node/src/storage/data-dir.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';

/** A process to be killed: appends without end and writes a line for each acknowledged entry. Argument: the directory. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: wal-writer.ts <data directory>');
// Small, so that rotations are among what is interrupted.
const segmentBytes = 64 * 1024;
const data = await openDataDirectory(path, { nodeId: null, fallbackNodeId: 'writer' }, { segmentBytes });
const log = createWalStore({ directory: data.walDirectory, ...data, segmentBytes });
const { entries } = await log.open();
let index = entries.length;
process.stdout.write(`recovered ${index}\n`);

const WRITERS = 8;
async function write(): Promise<never> {
  for (;;) {
    index += 1;
    const mine = index;
    const entry = {
      index: mine,
      term: 1,
      kind: 'command' as const,
      data: Buffer.from(`entry ${mine} `.repeat(mine % 50)),
    };
    await log.append({ ticket: mine, hardState: null, truncateFrom: null, base: null, entries: [entry] });
    process.stdout.write(`${mine}\n`);
  }
}
await Promise.all(Array.from({ length: WRITERS }, write));
