import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { cpus } from 'node:os';
import { expect, it } from 'vitest';
import { ForeignLoad } from '../e2e/support/foreign-load.ts';

/** Uses a processor for a while, and prints how much it got. */
const burn = 'const end = Date.now() + 700; while (Date.now() < end); console.log(process.cpuUsage().user / 1000)';

/** What a process took of the machine by its own account, and what was found to be ours and others'. */
async function watched(command: string, args: readonly string[]): Promise<Record<'burnt' | 'own' | 'foreign', number>> {
  const load = new ForeignLoad();
  const startedMs = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const usedMs = Number(await text(child.stdout));
  load.stop();
  const machineMs = (performance.now() - startedMs) * cpus().length;
  return { burnt: usedMs / machineMs, own: load.ownShare, foreign: load.share };
}

const isTold = existsSync('/proc/stat');

it.runIf(isTold)('what a child of ours uses is ours', async () => {
  const { burnt, own } = await watched(process.execPath, ['-e', burn]);
  expect(own).toBeGreaterThan(burnt * 0.8);
});

it.runIf(isTold)('what a process uses that is no child of ours is foreign', async () => {
  // Its parent ends at once, so it has another one, as a process of another user would.
  const { burnt, foreign } = await watched('/bin/sh', ['-c', `"${process.execPath}" -e '${burn}' & exit`]);
  expect(foreign).toBeGreaterThan(burnt * 0.8);
});
