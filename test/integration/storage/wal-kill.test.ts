import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDataDirectory } from '../../../node/src/storage/data-dir.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';

const ROUNDS = 3;
const APPENDS_PER_ROUND = 400;
const writer = join(import.meta.dirname, 'wal-writer.ts');

let parent: string;
let child: ChildProcess | null = null;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tutti-kill-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(parent, { recursive: true });
});

/** Lets a writer run until it has acknowledged enough, kills it, returns what it said first and what it acknowledged last. */
async function writeAndKill(directory: string): Promise<{ recovered: number; acknowledged: number }> {
  const running = spawn(process.execPath, [writer, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = running;
  const exit = once(running, 'exit');
  let recovered = -1;
  let acknowledged = 0;
  let lines = 0;
  // Reads to the end: what was in the pipe when the process died was acknowledged, too.
  for await (const line of createInterface({ input: running.stdout })) {
    const [word, count] = line.split(' ');
    if (count === undefined) acknowledged = Math.max(acknowledged, Number(word));
    else recovered = Number(count);
    lines += 1;
    if (lines === APPENDS_PER_ROUND) running.kill('SIGKILL');
  }
  expect(await exit).toEqual([null, 'SIGKILL']);
  return { recovered, acknowledged };
}

it('after SIGKILL in mid-write every acknowledged entry is there, and the dead lock is taken over', async () => {
  const directory = join(parent, 'data');
  let before = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { recovered, acknowledged } = await writeAndKill(directory);
    expect(recovered).toBeGreaterThanOrEqual(before);
    expect(acknowledged).toBeGreaterThan(recovered);
    before = acknowledged;
  }
  const data = await openDataDirectory(directory, { nodeId: null, fallbackNodeId: 'writer' });
  const log = createWalStore({ directory: data.walDirectory, ...data });
  const { entries } = await log.open();
  expect(entries.length).toBeGreaterThanOrEqual(before);
  entries.forEach((entry, i) => {
    expect(Buffer.from(entry.data).toString()).toBe(`entry ${i + 1} `.repeat((i + 1) % 50));
  });
  await log.close();
  data.close();
  expect(readdirSync(data.walDirectory).filter((name) => name.endsWith('.wal')).length).toBeGreaterThan(2);
}, 60_000);

it('keeps a second process out for as long as the first one lives', async () => {
  const directory = join(parent, 'data');
  const running = spawn(process.execPath, [writer, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = running;
  await once(running.stdout, 'data');
  running.stdout.resume();
  await expect(openDataDirectory(directory, { nodeId: null, fallbackNodeId: 'writer' })).rejects.toThrow(
    `process ${running.pid ?? 0} on`,
  );
  const exit = once(running, 'exit');
  running.kill('SIGKILL');
  await exit;
  (await openDataDirectory(directory, { nodeId: null, fallbackNodeId: 'writer' })).close();
}, 30_000);
