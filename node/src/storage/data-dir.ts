import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TuttiError } from '../lib/errors.ts';
import type { Incarnation, NodeId } from '../raft/types.ts';
import { errnoOf, logDamaged, unusable, withoutThisDisk } from './disk-errors.ts';
import { IDENTITY_FILE, MAX_NODE_ID_BYTES, readIdentity, writeIdentity, type Identity } from './identity.ts';
import { acquireLock } from './lock-file.ts';
import { nodeDisk } from './node-disk.ts';
import { ensureLog } from './wal/wal-store.ts';

export interface DataDirectory {
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  /** Exists; for createWalStore. */
  readonly walDirectory: string;
  /** Exists; for createFileSnapshotStore. */
  readonly snapshotDirectory: string;
  /**
   * Of a node that is no member any more: its log and snapshots go, and the next start is the first of another incarnation with the
   * same id. The log must be closed before. DATA_DIR_UNUSABLE.
   */
  forget(): Promise<void>;
  /** Gives the directory free for another process; the log in it must be closed before. */
  close(): void;
}

export interface OwnIds {
  /** CLUSTER_NODE_ID, where it was given. */
  readonly nodeId: NodeId | null;
  /** The id of a new directory where none was given. */
  readonly fallbackNodeId: NodeId;
  /** Throws when a node of that id has no place here; asked before the id is written down for good. */
  readonly check?: (nodeId: NodeId) => void;
}

const WAL = 'wal';
const SNAPSHOTS = 'snapshots';

/**
 * Opens a node's data directory, creating it and its parents on the first start, and keeps every other process out.
 * The id is the one the directory knows; on the first start the given one, else the fallback (the host name).
 *
 * @throws TuttiError DATA_DIR_UNUSABLE with path, reason and remedy; SETTINGS_INVALID where `nodeId` is not the kept id;
 *   LOG_DAMAGED where the log is gone altogether
 */
export async function openDataDirectory(
  path: string,
  ids: OwnIds,
  options: { readonly segmentBytes?: number } = {},
): Promise<DataDirectory> {
  const directory = resolve(path);
  const walDirectory = join(directory, WAL);
  const snapshotDirectory = join(directory, SNAPSHOTS);
  // A start that is refused leaves nothing behind.
  ownId(ids, directory, isKnown(directory) ? await readIdentity(nodeDisk, directory) : null);
  await makeDirectory(directory);
  const lock = await acquireLock(join(directory, 'lock'));
  try {
    await makeDirectory(walDirectory);
    await makeDirectory(snapshotDirectory);
    const { nodeId, incarnation } = await identify(ids, directory, (identity) =>
      ensureLog({ directory: walDirectory, ...identity, ...options }),
    );
    const forget = async (): Promise<void> => {
      await newIdentity(directory, nodeId);
      await empty(directory);
    };
    return { nodeId, incarnation, walDirectory, snapshotDirectory, forget, close: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

type MakeLog = (identity: Identity) => Promise<void>;

async function identify(ids: OwnIds, directory: string, makeLog: MakeLog): Promise<Identity> {
  const walDirectory = join(directory, WAL);
  const segment = (await list(walDirectory)).find((name) => name.endsWith('.wal'));
  const kept = await readIdentity(nodeDisk, directory);
  // Again, now that nobody else can write it.
  const nodeId = ownId(ids, directory, kept);
  if (kept === null) {
    if (segment !== undefined) throw logWithoutIdentity(directory, segment);
    return founded(directory, await newIdentity(directory, nodeId), makeLog);
  }
  if (!kept.logCreated) {
    // What is there has never held a promise of this incarnation: a first start, or a forgetting, did not come to its end.
    await empty(directory);
    return founded(directory, kept, makeLog);
  }
  if (segment === undefined) throw logDamaged(walDirectory, 0, 'all of its files are gone');
  return kept;
}

function isKnown(directory: string): boolean {
  return existsSync(join(directory, IDENTITY_FILE));
}

/** Throws SETTINGS_INVALID. */
function ownId(ids: OwnIds, directory: string, kept: Identity | null): NodeId {
  const nodeId = kept?.nodeId ?? ids.nodeId ?? ids.fallbackNodeId;
  if (ids.nodeId !== null && ids.nodeId !== nodeId) {
    throw new TuttiError(
      'SETTINGS_INVALID',
      `CLUSTER_NODE_ID is "${ids.nodeId}", but ${directory} is the data directory of node "${nodeId}": use that ` +
        'id, or another CLUSTER_DATA_DIR',
    );
  }
  if (nodeId === '' || Buffer.byteLength(nodeId, 'utf8') > MAX_NODE_ID_BYTES) {
    throw new TuttiError('SETTINGS_INVALID', `the node id "${nodeId}" must have 1 to ${MAX_NODE_ID_BYTES} bytes`);
  }
  ids.check?.(nodeId);
  return nodeId;
}

async function newIdentity(directory: string, nodeId: NodeId): Promise<Identity> {
  // 128 random bits: no two data directories ever have the same.
  const identity = { nodeId, incarnation: randomBytes(16).toString('hex'), logCreated: false };
  await writeIdentity(nodeDisk, directory, identity);
  return identity;
}

async function empty(directory: string): Promise<void> {
  try {
    for (const part of [WAL, SNAPSHOTS]) {
      for (const name of await nodeDisk.list(join(directory, part))) await nodeDisk.unlink(join(directory, part, name));
      await nodeDisk.syncDirectory(join(directory, part));
    }
  } catch (error) {
    throw unusable(directory, error);
  }
}

/** The first log, and then the note that there is one; a start that dies in between does this again. */
async function founded(directory: string, identity: Identity, makeLog: MakeLog): Promise<Identity> {
  await makeLog(identity);
  const complete = { ...identity, logCreated: true };
  await writeIdentity(nodeDisk, directory, complete);
  return complete;
}

/** A new identity beside an old log would be another member with this one's votes. */
function logWithoutIdentity(directory: string, segment: string): TuttiError {
  return new TuttiError(
    'DATA_DIR_UNUSABLE',
    `${directory} holds a log (${segment}) but no identity.json: restore that file from a copy, it has not changed since ` +
      `the first start. Else: ${withoutThisDisk}`,
  );
}

async function list(directory: string): Promise<string[]> {
  try {
    return await nodeDisk.list(directory);
  } catch (error) {
    throw unusable(directory, error);
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await make(directory, 0o700, true);
  } catch (error) {
    throw unusable(directory, error);
  }
}

/** A new directory's name must outlive a power cut as the files in it do (raft.md W7); so must those of parents made for it. */
async function make(directory: string, mode: number, mayLackParent: boolean): Promise<void> {
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return;
    if (errno !== 'ENOENT' || !mayLackParent) throw error;
    await make(dirname(directory), 0o777, true);
    return make(directory, mode, false);
  }
  await nodeDisk.syncDirectory(dirname(directory));
}
