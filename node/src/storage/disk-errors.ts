import { TuttiError } from '../lib/errors.ts';
import type { DamagedSnapshot } from './snapshot-store.ts';

/** What an errno means to the person who has to act on it. */
const meanings: Record<string, string> = {
  EACCES: 'permission denied: give this user read and write access',
  EPERM: 'not permitted: give this user read and write access',
  EROFS: 'the file system is read-only: mount it writable or choose another directory',
  ENOENT: 'it, or the directory it belongs in, does not exist: create that or choose another path',
  ENOTDIR: 'a part of the path is a file, not a directory: choose another path',
  EISDIR: 'a directory stands where a file is expected: move it away',
  ENOSPC: 'no space left on the device: free space there',
  EDQUOT: 'the disk quota is used up: free space or raise the quota',
  EIO: 'input/output error: check the disk (kernel log, SMART)',
  EMFILE: 'too many open files in this process: raise its limit (ulimit -n)',
  ENFILE: 'too many open files on this machine',
  ENAMETOOLONG: 'the path is too long: choose a shorter one',
  ELOOP: 'symbolic links in the path form a loop: choose another path',
};

/** What can be done today about a node whose disk is lost, while members of a cluster cannot be replaced one by one. */
export const withoutThisDisk =
  'the others go on without this node while they are a majority, and refuse it with an empty data directory, under any id. ' +
  'To have all nodes again, start a new cluster: fetch the last result, stop all nodes, empty the data directories of all, ' +
  'start them again';

/** The errno's name, or null where the thrown value carries none. */
export function errnoOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' ? thrown.code : null;
}

/** Errno name with its meaning and remedy; the raw message where we know no better. */
export function explain(thrown: unknown): string {
  const errno = errnoOf(thrown);
  const meaning = errno === null ? undefined : meanings[errno];
  if (errno !== null && meaning !== undefined) return `${errno}, ${meaning}`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether there was no space for a write, also where that was told as a failure of the disk. */
export function isDiskFull(thrown: unknown): boolean {
  const errno = errnoOf(thrown instanceof TuttiError ? thrown.cause : thrown);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

/** The data directory cannot be used as it is; nothing was lost. */
export function unusable(path: string, thrown: unknown): TuttiError {
  if (thrown instanceof TuttiError) return thrown;
  return new TuttiError('DATA_DIR_UNUSABLE', `cannot use ${path}: ${explain(thrown)}`, { cause: thrown });
}

/**
 * A write or sync failed: the process must end. After a failed sync the kernel may have dropped the pages and call the
 * next sync a success, so trying again would acknowledge what is not there (Rebello et al., ATC 2020; raft.md W5).
 */
export function diskFailed(path: string, thrown: unknown): TuttiError {
  if (thrown instanceof TuttiError) return thrown;
  const errno = errnoOf(thrown);
  const message =
    errno === 'ENOSPC' || errno === 'EDQUOT'
      ? `the disk is full (${errno}) at ${path}: nothing acknowledged is lost; free space and start this node again`
      : `disk failure at ${path}: ${explain(thrown)}; this node stops rather than acknowledge what may not be stored. ` +
        `Once the disk is sound, start it again; else: ${withoutThisDisk}`;
  return new TuttiError('DISK_FAILED', message, { cause: thrown });
}

/** The log is damaged where it was acknowledged; starting would break promises made to other nodes. */
export function logDamaged(path: string, offset: number, what: string): TuttiError {
  return new TuttiError(
    'LOG_DAMAGED',
    `the log is damaged: ${path}, offset ${offset}: ${what}. This node may have promised what stood there, so it does ` +
      `not start. Repair the disk so that it gives what was written last; an older copy has forgotten promises. Else: ${withoutThisDisk}`,
  );
}

/** The state that the log goes on from is not there: what is missing cannot be made from anything else on this disk. */
export function snapshotDamaged({ path, offset, what }: DamagedSnapshot): TuttiError {
  return new TuttiError(
    'SNAPSHOT_DAMAGED',
    `the snapshot is damaged: ${path}, offset ${offset}: ${what}. The log goes on from it and holds nothing of what was before, so ` +
      `this node does not start. Repair the disk so that it gives what was written. Else: ${withoutThisDisk}`,
  );
}
