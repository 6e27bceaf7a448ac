import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Declarations } from './derive-shapes.ts';
import type { ObjectShape } from './shape.ts';

export type Shapes = Readonly<Record<string, ObjectShape>>;

const require = createRequire(new URL('../../../infra/index.ts', import.meta.url));

/** The version of a Pulumi package as it is installed. */
export function versionOf(name: string): string {
  return (require(`${name}/package.json`) as { readonly version: string }).version.replace(/^v/, '');
}

/**
 * What the resources of these modules take, by module. Kept under the version of the package and the code that derives it: reading
 * gcp's declarations takes a second and a half.
 */
export function shapesOf(name: string, modules: readonly string[]): Shapes {
  const deriver = readFileSync(new URL('./derive-shapes.ts', import.meta.url));
  const key = createHash('sha256')
    .update(JSON.stringify([name, versionOf(name), modules]))
    .update(deriver)
    .digest('hex');
  const path = join(homedir(), '.cache/tutti/shapes', `${key.slice(0, 16)}.json`);
  const kept = read(path);
  if (kept !== null) return kept;
  const declarations = new Declarations(dirname(require.resolve(`${name}/package.json`)));
  const shapes = Object.fromEntries(modules.map((module) => [module, declarations.argsOf(module)]));
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, JSON.stringify(shapes));
  renameSync(aside, path);
  return shapes;
}

function read(path: string): Shapes | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Shapes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
