import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildOnce, runGo } from './go-build.ts';

/**
 * The path of a program in Go whose sources are in this repository: the one in the cache if it was made from exactly these,
 * else it is built. go.mod and go.sum pin what it is made of. @throws Unavailable
 */
export async function goTool(name: string, sources: string): Promise<string> {
  return buildOnce(name, await digestOf(sources), (go, aside) =>
    runGo(go, ['build', '-trimpath', '-o', aside, '.'], { cwd: sources }),
  );
}

async function digestOf(sources: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(sources)).sort()) {
    hash.update(name).update(await readFile(join(sources, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
