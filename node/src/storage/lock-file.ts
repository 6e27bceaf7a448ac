import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { TuttiError } from '../lib/errors.ts';
import { errnoOf, unusable } from './disk-errors.ts';
import { openLifeSign, showsLife } from './life-sign.ts';

/** Who holds a data directory. A pid alone says nothing: it is given out again after a reboot, and by other containers. */
export interface LockOwner {
  readonly pid: number;
  /** Clock ticks since boot at which the process started; null where the system does not tell. */
  readonly startTime: string | null;
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
  readonly host: string;
  /** Name of a socket beside the lock on which the owner listens for as long as it lives; null where none could be made. */
  readonly socket: string | null;
}

/** What the lock needs to know of the system; passed in by tests. */
export interface ProcessTable {
  self(): Omit<LockOwner, 'socket'>;
  /** Start time of a running process, null where the system does not tell, undefined where there is no such process. */
  startTimeOf(pid: number): string | null | undefined;
}

export interface Lock {
  release(): void;
}

/**
 * Node has no flock, so this is a file that only one process can make and that names its owner. The lock of a process that is
 * certainly gone is taken over; where that is not certain, this refuses and says what to look at (raft.md 5.3, 10).
 *
 * @throws TuttiError DATA_DIR_UNUSABLE
 */
export async function acquireLock(path: string, processes: ProcessTable = systemProcesses): Promise<Lock> {
  // Before the lock names it: else whoever reads the lock at this moment would take its owner for dead.
  const sign = await openLifeSign(dirname(path));
  try {
    const mine = JSON.stringify({ ...processes.self(), socket: sign?.name ?? null } satisfies LockOwner);
    const present = createOrRead(path, mine);
    if (present !== null) {
      const left = await refuseUnlessGone(path, present, processes);
      takeAway(path, present);
      if (createOrRead(path, mine) !== null) throw inUse(path, 'another process took it over at this moment');
      if (left !== null) rmSync(join(dirname(path), left), { force: true });
    }
    return {
      release() {
        // Only our own: an operator may have removed it and started another node.
        if (readIfThere(path) === mine) unlinkSync(path);
        sign?.close();
      },
    };
  } catch (error) {
    sign?.close();
    throw error;
  }
}

/**
 * Null if the lock was made; else what stands in it. Written and synced aside and then linked, so that a lock never is without
 * its owner's name, not even after a power cut: an empty one could only be refused.
 */
function createOrRead(path: string, content: string): string | null {
  const aside = asideOf(path);
  try {
    writeFileSync(aside, content, { flag: 'wx', mode: 0o600, flush: true });
    try {
      linkSync(aside, path);
      return null;
    } finally {
      unlinkSync(aside);
    }
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw unusable(path, error);
    return readIfThere(path) ?? '';
  }
}

function asideOf(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}`;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw unusable(path, error);
  }
}

/** The socket that the dead owner left, if any. */
async function refuseUnlessGone(path: string, content: string, processes: ProcessTable): Promise<string | null> {
  const owner = parseOwner(content);
  if (owner === null) throw inUse(path, 'the lock names no owner this program knows');
  const self = processes.self();
  const who = `process ${owner.pid} on ${owner.host}`;
  const isSameBoot = owner.bootId !== null && owner.bootId === self.bootId;
  // Containers of one machine differ in their host names and share its boot.
  if (owner.host !== self.host && !isSameBoot) throw inUse(path, `${who}, another host, holds it`);
  // The same host after a reboot: whoever held it is gone.
  if (owner.bootId !== null && self.bootId !== null && !isSameBoot) return owner.socket;
  if (owner.pidNamespace !== self.pidNamespace) {
    const isAlive = owner.socket === null ? null : await showsLife(join(dirname(path), owner.socket));
    if (isAlive === false) return owner.socket;
    const seen = isAlive === null ? 'whose processes cannot be seen from here' : 'and is running';
    throw inUse(path, `${who} holds it, in a container ${seen}`);
  }
  const startTime = processes.startTimeOf(owner.pid);
  if (startTime === undefined) return owner.socket;
  if (startTime !== null && owner.startTime !== null && startTime !== owner.startTime) return owner.socket;
  throw inUse(path, `${who} holds it and is running`);
}

/**
 * Two starters may find the same dead lock. Renaming is atomic, so one of them gets it; whoever then finds that it took
 * the other's new lock instead puts it back.
 */
function takeAway(path: string, expected: string): void {
  const aside = asideOf(path);
  try {
    renameSync(path, aside);
    const taken = readFileSync(aside, 'utf8');
    if (taken !== expected) linkSync(aside, path);
    unlinkSync(aside);
    if (taken !== expected) throw inUse(path, 'another process took it over at this moment');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EEXIST') {
      throw inUse(path, 'another process took it over at this moment');
    }
    throw unusable(path, error);
  }
}

function inUse(path: string, why: string): TuttiError {
  return new TuttiError(
    'DATA_DIR_UNUSABLE',
    `the data directory is in use (${path}): ${why}. Stop that node or choose another CLUSTER_DATA_DIR; if you are sure ` +
      'that no node uses it, remove that file',
  );
}

function parseOwner(content: string): LockOwner | null {
  try {
    const owner = JSON.parse(content) as Partial<Record<keyof LockOwner, unknown>> | null;
    if (typeof owner?.pid !== 'number' || typeof owner.host !== 'string') return null;
    const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
    return {
      pid: owner.pid,
      host: owner.host,
      startTime: text(owner.startTime),
      bootId: text(owner.bootId),
      pidNamespace: text(owner.pidNamespace),
      // A name beside the lock, never a way elsewhere.
      socket: /^life-[0-9a-f]+$/.test(text(owner.socket) ?? '') ? text(owner.socket) : null,
    };
  } catch {
    // What cannot be read names nobody; the caller refuses.
    return null;
  }
}

export const systemProcesses: ProcessTable = {
  self: () => ({
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? null,
    bootId: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
    host: hostname(),
  }),
  startTimeOf,
};

function startTimeOf(pid: number): string | null | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs as another user.
    if (errnoOf(error) === 'ESRCH') return undefined;
  }
  const stat = orNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // The name in parentheses may hold spaces; fields 3 and later follow it, the start time is field 22 (proc_pid_stat(5)).
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie holds nothing any more: its files are closed.
  if (fields?.[0] === 'Z' || fields?.[0] === 'X') return undefined;
  return fields?.[19] ?? null;
}

/** Systems without /proc do not tell; the comparison then is by what is known. */
function orNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
