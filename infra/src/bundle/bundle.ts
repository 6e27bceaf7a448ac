import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundledFiles } from './files.ts';
import { tarOf } from './tar.ts';

/** The built node in one file. */
export interface Bundle {
  /** Of the object: made of what is in the archive. */
  readonly name: string;
  /** Where the compressed archive is on this machine. */
  readonly file: string;
}

/**
 * Packs the node of this checkout, without the network. The name holds the SHA-256 of the archive before it is compressed: the same
 * files have it on every machine, whatever its zlib makes of them. Throws StackConfigError where node_modules is not what is locked.
 */
export function makeBundle(repository: string, folder = join(homedir(), '.cache', 'tutti', 'bundles')): Bundle {
  const archive = tarOf(bundledFiles(repository));
  const name = bundleName(createHash('sha256').update(archive).digest('hex'));
  const file = join(folder, name);
  const compressed = gzipSync(archive);
  // The system that compressed it, which is no part of what is packed (RFC 1952).
  compressed[9] = 255;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.${process.pid}`, compressed);
  renameSync(`${file}.${process.pid}`, file);
  return { name, file };
}

function bundleName(digest: string): string {
  return `bundle-${digest}.tar.gz`;
}
