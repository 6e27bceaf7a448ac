import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeFounding, encodeFounding, type Founding } from '../../discovery/founding.ts';
import { TuttiError } from '../../lib/errors.ts';

const fileName = 'founding.json';

/**
 * Who founded the cluster that this data directory belongs to, as this node took it from Consul; null: it has not yet. A node obeys
 * one list in its life, also while Consul is away or has lost its data. DATA_DIR_UNUSABLE.
 */
export function readFounding(dataDirectory: string): Founding | null {
  const path = join(dataDirectory, fileName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(`${path} cannot be read`, error);
  }
  const founding = decodeFounding(text);
  if (founding === null) throw unusable(`${path} holds no list of founders: restore it from a copy`);
  return founding;
}

/** Durable once this returns. DATA_DIR_UNUSABLE. */
export function keepFounding(dataDirectory: string, founding: Founding): void {
  const path = join(dataDirectory, fileName);
  try {
    writeFileSync(`${path}.new`, encodeFounding(founding), { flush: true });
    renameSync(`${path}.new`, path);
    const directory = openSync(dataDirectory, 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    throw unusable(`${path} cannot be written`, error);
  }
}

/** Of a node that has left its cluster for good. */
export function forgetFounding(dataDirectory: string): void {
  rmSync(join(dataDirectory, fileName), { force: true });
}

function unusable(what: string, cause?: unknown): TuttiError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return new TuttiError('DATA_DIR_UNUSABLE', code === undefined ? what : `${what} (${code})`, { cause });
}
