import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './find-program.ts';
import { buildOnce, runGo } from './go-build.ts';
import { Unavailable } from './unavailable.ts';

/** A program that others publish as a Go module. */
export interface GoModuleTool {
  /** Of the executable, on the PATH too. */
  readonly name: string;
  readonly module: string;
  readonly version: string;
  /** What the checksum database holds for this version of the module (`h1:...`). */
  readonly sum: string;
  /** The main package; the module itself if it is the program. */
  readonly package?: string;
  readonly ldflags?: string;
  /** How to ask an installed one for its version, and what its answer then contains. Null: it cannot tell, so none is taken. */
  readonly asksVersion: { readonly with: readonly string[]; readonly answers: string } | null;
}

/**
 * The path of the program: an installed one of exactly this version, else the one in the cache, else it is built, which takes
 * minutes. @throws Unavailable
 */
export async function goModuleTool(tool: GoModuleTool): Promise<string> {
  const installed = await findProgram(tool.name);
  if (installed !== null && (await isOfVersion(installed, tool))) return installed;
  return buildOnce(tool.name, tool.version, async (go, aside) => {
    const directory = await mkdtemp(join(tmpdir(), `tutti-build-${tool.name}-`));
    try {
      await build(go, tool, directory, aside);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

async function isOfVersion(path: string, { asksVersion }: GoModuleTool): Promise<boolean> {
  if (asksVersion === null) return false;
  try {
    const { stdout } = await promisify(execFile)(path, asksVersion.with, { timeout: 30_000 });
    return stdout.includes(asksVersion.answers);
  } catch {
    return false; // whatever it is, it is not the one that is looked for
  }
}

/**
 * `go install module@version` refuses a module whose go.mod replaces or excludes others. So that the versions are still the
 * project's own, a module of ours takes over its go.mod and go.sum and requires it.
 */
async function build(go: string, tool: GoModuleTool, directory: string, output: string): Promise<void> {
  const { module, version, sum, package: mainPackage = module, ldflags = '-s -w' } = tool;
  // In a directory without go.mod, since the caller's own would decide otherwise what may be downloaded.
  const downloaded = JSON.parse(
    await runGo(go, ['mod', 'download', '-json', `${module}@${version}`], { cwd: directory }),
  ) as { readonly Dir: string; readonly Sum: string };
  if (downloaded.Sum !== sum) {
    throw new Unavailable(
      `${module}@${version} is not what it was: its checksum is ${downloaded.Sum}, pinned is ${sum}`,
    );
  }
  const goMod = await readFile(join(downloaded.Dir, 'go.mod'), 'utf8');
  await writeFile(join(directory, 'go.mod'), `${withoutLocalReplacements(goMod)}\nrequire ${module} ${version}\n`);
  await copyFile(join(downloaded.Dir, 'go.sum'), join(directory, 'go.sum'));
  const env = { GOFLAGS: '-mod=mod', CGO_ENABLED: '0' };
  const command = ['build', '-trimpath', '-ldflags', ldflags, '-o', output, mainPackage];
  await runGo(go, command, { cwd: directory, env });
}

/** Paths into its own repository, where its other modules are; published, they are modules like any other. */
function withoutLocalReplacements(goMod: string): string {
  return goMod
    .replace(/^module .*$/m, 'module tutti.invalid/build')
    .split('\n')
    .filter((line) => !/=>\s*\.{1,2}\//.test(line))
    .join('\n');
}
