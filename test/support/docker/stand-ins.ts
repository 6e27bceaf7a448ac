import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findConsul } from '../consul/find.ts';
import { findDebianProgram, findProgram } from '../find-program.ts';
import { findFakeGcs } from '../gcs/find.ts';
import { Unavailable } from '../unavailable.ts';
import type { Engine } from './engine.ts';

const run = promisify(execFile);
const suite = 'bookworm';
/** Another number where the recipe below changes: what is kept of the old one is then not used. */
const recipe = 1;

/** What the compose file takes its images from, in the variables that it has for that. */
export interface BaseImages {
  readonly NODE_IMAGE: string;
  readonly CONSUL_IMAGE: string;
  readonly PROMETHEUS_IMAGE: string;
  readonly GCS_IMAGE: string;
}

/**
 * Images that stand in for the public ones where none can be pulled: Debian by debootstrap with the Node.js and the npm of this
 * machine, Consul and fake-gcs-server alone, Prometheus with what it is linked to. Made once for an engine. @throws Unavailable
 */
export async function standInImages(engine: Engine): Promise<BaseImages> {
  const node = `tutti-stand-in/node:${process.versions.node}-${suite}-${recipe}`;
  await makeOnce(engine, node, [], async (root) => {
    const debootstrap = await findDebianProgram('debootstrap', 'debootstrap');
    await run(debootstrap, ['--variant=minbase', suite, root], { maxBuffer: 16 * 1024 * 1024 });
    await rm(join(root, 'var/cache/apt'), { recursive: true });
    await cp(process.execPath, join(root, 'usr/local/bin/node'));
    await addNpm(root);
  });
  const consul = `tutti-stand-in/consul:${recipe}`;
  await makeOnce(engine, consul, ['ENTRYPOINT ["consul"]', 'ENV PATH=/bin'], async (root) => {
    await mkdir(join(root, 'tmp'));
    await cp(await findConsul(), join(root, 'bin/consul'));
  });
  const gcs = `tutti-stand-in/gcs:${recipe}`;
  await makeOnce(engine, gcs, ['ENTRYPOINT ["/bin/fake-gcs-server", "-data", "/data"]'], async (root) => {
    await cp(await findFakeGcs(), join(root, 'bin/fake-gcs-server'));
  });
  const prometheus = `tutti-stand-in/prometheus:${recipe}`;
  await makeOnce(engine, prometheus, ['ENTRYPOINT ["/bin/prometheus"]'], async (root) => {
    const program = await findDebianProgram('prometheus', 'prometheus');
    await cp(program, join(root, 'bin/prometheus'));
    const { stdout } = await run('ldd', [program]);
    for (const [library] of stdout.matchAll(/\/\S+/g)) await cp(library, join(root, library), { dereference: true });
  });
  return { NODE_IMAGE: node, CONSUL_IMAGE: consul, PROMETHEUS_IMAGE: prometheus, GCS_IMAGE: gcs };
}

/** This machine's npm, which asks the same registry and believes the same authorities there as here. */
async function addNpm(root: string): Promise<void> {
  const npm = await findProgram('npm');
  if (npm === null) throw new Unavailable('npm was not found: it goes into the base image');
  await cp(dirname(dirname(await realpath(npm))), join(root, 'usr/local/lib/npm'), { recursive: true });
  const registry = (await run(npm, ['config', 'get', 'registry'])).stdout.trim();
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  const inside = '/usr/local/share/authorities.pem';
  if (authorities !== undefined) await cp(authorities, join(root, inside), { dereference: true });
  const environment = [
    `npm_config_registry='${registry}'`,
    ...(authorities === undefined ? [] : [`NODE_EXTRA_CA_CERTS=${inside}`]),
  ];
  const script = `#!/bin/sh\n${environment.join(' ')} exec node /usr/local/lib/npm/bin/npm-cli.js "$@"\n`;
  await writeFile(join(root, 'usr/local/bin/npm'), script, { mode: 0o755 });
}

/** Fills a folder and makes the image of it, if the engine has none of that name. */
async function makeOnce(
  engine: Engine,
  name: string,
  changes: readonly string[],
  fill: (root: string) => Promise<void>,
): Promise<void> {
  if ((await engine.docker('image', 'ls', '--quiet', name)) !== '') return;
  const root = await mkdtemp(join(tmpdir(), 'tutti-stand-in-'));
  try {
    await fill(root);
    await importFolder(engine, root, name, changes);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function importFolder(engine: Engine, root: string, name: string, changes: readonly string[]): Promise<void> {
  const env = { ...process.env, ...engine.environment };
  const tar = spawn('tar', ['--create', '--numeric-owner', '--directory', root, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const change = changes.flatMap((line) => ['--change', line]);
  const load = spawn('docker', ['import', ...change, '-', name], { stdio: ['pipe', 'ignore', 'inherit'], env });
  tar.stdout.pipe(load.stdin);
  const ends = await Promise.all([tar, load].map(async (child) => (await once(child, 'exit'))[0] as number | null));
  if (ends.some((code) => code !== 0)) throw new Error(`docker import of ${name} failed (${ends.join(', ')})`);
}
