import { TuttiError } from '../lib/errors.ts';
import type { Incarnation, NodeId } from '../raft/types.ts';
import type { Disk } from './disk.ts';
import { errnoOf, unusable, withoutThisDisk } from './disk-errors.ts';

/** Who this data directory is. Made once; a directory without it has never belonged to a node. */
export interface Identity {
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  /** Once true, a directory without a log has lost it, and with it the votes this incarnation gave. */
  readonly logCreated: boolean;
}

const FORMAT_VERSION = 1;
/** Of a directory that has one. */
export const IDENTITY_FILE = 'identity.json';
const MAX_FILE_BYTES = 4096;

/** Long enough for any host name (253), short enough for the log's header. */
export const MAX_NODE_ID_BYTES = 255;

/**
 * Null where there is none yet.
 *
 * @throws TuttiError DATA_DIR_UNUSABLE where it cannot be read or understood
 */
export async function readIdentity(disk: Disk, directory: string): Promise<Identity | null> {
  const path = `${directory}/${IDENTITY_FILE}`;
  const text = await readText(disk, path);
  if (text === null) return null;
  const identity = parse(text);
  if (typeof identity !== 'string') return identity;
  throw new TuttiError(
    'DATA_DIR_UNUSABLE',
    `${path} ${identity}: restore it from a copy, it has not changed since the first start. Else: ${withoutThisDisk}`,
  );
}

/** Durable once this resolves: temporary file, sync, rename, sync of the directory. */
export async function writeIdentity(disk: Disk, directory: string, identity: Identity): Promise<void> {
  const path = `${directory}/${IDENTITY_FILE}`;
  const temporary = `${path}.new`;
  try {
    // Left by a start that did not come to its end.
    if ((await disk.list(directory)).includes(`${IDENTITY_FILE}.new`)) await disk.unlink(temporary);
    const file = await disk.open(temporary, 'create');
    await file.write(Buffer.from(`${JSON.stringify({ formatVersion: FORMAT_VERSION, ...identity }, null, 2)}\n`), 0);
    await file.datasync();
    await file.close();
    await disk.rename(temporary, path);
    await disk.syncDirectory(directory);
  } catch (error) {
    throw unusable(path, error);
  }
}

async function readText(disk: Disk, path: string): Promise<string | null> {
  try {
    const file = await disk.open(path, 'existing');
    const bytes = Buffer.alloc(MAX_FILE_BYTES);
    const count = await file.read(bytes, 0);
    await file.close();
    return bytes.toString('utf8', 0, count);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw unusable(path, error);
  }
}

/** The identity, or in words what is wrong with the file. */
function parse(text: string): Identity | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  const { formatVersion, nodeId, incarnation, logCreated } = (value ?? {}) as Record<string, unknown>;
  if (formatVersion !== FORMAT_VERSION) {
    return `has format version ${String(formatVersion)}, this program knows ${FORMAT_VERSION}`;
  }
  if (typeof nodeId !== 'string' || nodeId === '') return 'names no node id';
  if (typeof incarnation !== 'string' || !/^[0-9a-f]{32}$/.test(incarnation)) return 'names no incarnation';
  if (typeof logCreated !== 'boolean') return 'does not say whether its log was created';
  return { nodeId, incarnation, logCreated };
}
