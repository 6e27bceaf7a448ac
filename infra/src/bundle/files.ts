import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackConfigError } from '../config/parse.ts';
import { closureOf, type LockedPackages } from './lock-closure.ts';
import type { ArchivedFile } from './tar.ts';

/** What only a compiler or a debugger reads; the image leaves out the same (Dockerfile). */
const idle = /\.(map|md|d\.[mc]?ts)$/;
/** Ours, as the image has them. */
const own = ['LICENSE', 'proto', 'node/package.json', 'node/bin', 'node/src'];
const remedy = '`npm ci` in the repository installs what is locked';

/**
 * All files that a node runs on: its sources as they are, and the packages that package-lock.json names for it as npm has installed
 * them in this checkout. Throws StackConfigError where something else is installed.
 */
export function bundledFiles(repository: string): readonly ArchivedFile[] {
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: LockedPackages;
  };
  const closure = closureOf(packages, 'node');
  const problems = closure.flatMap((path) => installProblem(repository, path, packages[path]?.version));
  if (problems.length > 0) throw new StackConfigError(problems);
  const ours = own.flatMap((path) => filesIn(repository, path));
  const theirs = closure.flatMap((path) => filesIn(repository, path).filter((file) => !idle.test(file)));
  return [...ours, ...theirs].map((path) => ({
    path,
    isExecutable: path.startsWith('node/bin/'),
    content: readFileSync(join(repository, path)),
  }));
}

function installProblem(repository: string, path: string, locked: string | undefined): readonly string[] {
  let installed: string;
  try {
    const manifest = readFileSync(join(repository, path, 'package.json'), 'utf8');
    installed = (JSON.parse(manifest) as { readonly version: string }).version;
  } catch {
    return [`tutti:deploy: ${path} is not installed, and the bundle needs it; ${remedy}`];
  }
  if (installed === locked) return [];
  return [`tutti:deploy: ${path} is installed as ${installed}, and locked as ${locked ?? 'nothing'}; ${remedy}`];
}

/** Below a path, without what other packages have nested there: the closure names that itself. Links lead out of the package. */
function filesIn(repository: string, path: string): readonly string[] {
  const at = lstatSync(join(repository, path));
  if (at.isFile()) return [path];
  if (!at.isDirectory()) return [];
  const names = readdirSync(join(repository, path)).filter((name) => name !== 'node_modules');
  return names.flatMap((name) => filesIn(repository, `${path}/${name}`));
}
