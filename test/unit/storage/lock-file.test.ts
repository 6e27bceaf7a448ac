import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  acquireLock,
  systemProcesses,
  type LockOwner,
  type ProcessTable,
} from '../../../node/src/storage/lock-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tutti-lock-'));
  path = join(directory, 'lock');
});
afterEach(() => rmSync(directory, { recursive: true }));

const owner: LockOwner = {
  pid: 100,
  startTime: '5000',
  bootId: 'boot-a',
  pidNamespace: 'pid:[1]',
  host: 'host-a',
  socket: null,
};
const socket = 'life-0123456789abcdef';

/** A system in which we are process 200 and only `running` exists. */
function system(running: Record<number, string | null>, self: Partial<LockOwner> = {}): ProcessTable {
  return {
    self: () => ({ ...owner, pid: 200, startTime: '9000', ...self }),
    startTimeOf: (pid) => running[pid],
  };
}

function heldBy(values: Partial<LockOwner> | string): void {
  writeFileSync(path, typeof values === 'string' ? values : JSON.stringify({ ...owner, ...values }));
}

describe('a lock left behind is taken over', () => {
  it.each([
    ['whose process is gone', system({})],
    ['whose pid now belongs to another process', system({ 100: '7777' })],
    ['from before a reboot, even if its pid is in use', system({ 100: '5000' }, { bootId: 'boot-b' })],
    [
      'from before a reboot of a container host',
      system({ 100: '5000' }, { bootId: 'boot-b', pidNamespace: 'pid:[2]' }),
    ],
    [
      'of another container that is gone, though its pid is in use',
      system({ 100: '5000' }, { pidNamespace: 'pid:[2]' }),
      { socket },
    ],
    [
      'of a container that was recreated, with another host name',
      system({}, { pidNamespace: 'pid:[2]', host: 'host-b' }),
      { socket },
    ],
  ] as const)('%s', async (_, processes, left: Partial<LockOwner> = {}) => {
    heldBy(left);
    if (left.socket !== undefined) await leaveDeadSocket(join(directory, socket));
    const lock = await acquireLock(path, processes);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: 200 });
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('a lock that may be held is refused, and stays', () => {
  it.each([
    ['by a running process', owner, system({ 100: '5000' }), 'process 100 on host-a holds it and is running'],
    ['by a process whose start time nobody knows', owner, system({ 100: null }), 'is running'],
    ['by another host', { ...owner, host: 'host-b' }, system({}, { bootId: 'boot-b' }), 'host-b, another host'],
    ['by another container', owner, system({}, { pidNamespace: 'pid:[2]' }), 'processes cannot be seen'],
    [
      'by another container, by its host name',
      owner,
      system({}, { pidNamespace: 'pid:[2]', host: 'b' }),
      'in a container',
    ],
    ['by nobody one can name', '', system({}), 'names no owner'],
    ['by half a line', '{"pid": 1', system({}), 'names no owner'],
  ])('%s', async (_, holder, processes, why) => {
    heldBy(holder);
    const before = readFileSync(path, 'utf8');
    await expect(acquireLock(path, processes)).rejects.toThrow(why);
    await expect(acquireLock(path, processes)).rejects.toThrow(
      expect.objectContaining({ code: 'DATA_DIR_UNUSABLE', message: expect.stringContaining(path) as string }) as Error,
    );
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(directory)).toEqual(['lock']);
  });

  it('by a process of another container that lives, even while it is stopped', async () => {
    const child = spawn(
      process.execPath,
      ['-e', `net.createServer().listen(${JSON.stringify(join(directory, socket))}, () => console.log())`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = once(child, 'exit');
    const here = system({}, { pidNamespace: 'pid:[2]', host: 'host-b' });
    try {
      await once(child.stdout, 'data');
      child.kill('SIGSTOP');
      heldBy({ socket });
      await expect(acquireLock(path, here)).rejects.toThrow('in a container and is running');
    } finally {
      child.kill('SIGKILL');
      await exited;
    }
    (await acquireLock(path, here)).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('by the lock itself, seen from another container; and where no socket could be made it says nothing', async () => {
    const elsewhere = system({}, { pidNamespace: 'pid:[2]' });
    const lock = await acquireLock(path, system({}));
    await expect(acquireLock(path, elsewhere)).rejects.toThrow('in a container and is running');
    lock.release();
    const deep = join(directory, 'a'.repeat(100));
    mkdirSync(deep);
    const other = await acquireLock(join(deep, 'lock'), system({}));
    expect(readdirSync(deep)).toEqual(['lock']);
    await expect(acquireLock(join(deep, 'lock'), elsewhere)).rejects.toThrow('processes cannot be seen');
    other.release();
  });
});

/** As SIGKILL leaves it. */
async function leaveDeadSocket(file: string): Promise<void> {
  const child = spawn(process.execPath, [
    '-e',
    `net.createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await once(child, 'exit');
}

it('two takers of one dead lock: the one that comes late leaves the other its lock', async () => {
  heldBy({});
  const other = JSON.stringify({ ...owner, pid: 300 });
  // While we look whether the old owner lives, another process takes the lock over.
  const processes: ProcessTable = {
    ...system({}),
    startTimeOf: () => {
      writeFileSync(path, other);
      return undefined;
    },
  };
  await expect(acquireLock(path, processes)).rejects.toThrow('another process took it over');
  expect(readFileSync(path, 'utf8')).toBe(other);
  expect(readdirSync(directory)).toEqual(['lock']);
});

it('releasing leaves a lock that is no longer ours', async () => {
  const lock = await acquireLock(path, system({}));
  heldBy({ pid: 300 });
  lock.release();
  expect(readFileSync(path, 'utf8')).toContain('300');
});

it('knows this very process by pid and start time', () => {
  const self = systemProcesses.self();
  expect(self.pid).toBe(process.pid);
  expect(systemProcesses.startTimeOf(process.pid) ?? null).toBe(self.startTime);
  // Beyond the largest pid Linux gives out.
  expect(systemProcesses.startTimeOf(2 ** 22 + 1)).toBeUndefined();
});
