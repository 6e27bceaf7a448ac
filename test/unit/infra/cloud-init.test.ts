import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cloudInit } from '../../../infra/src/boot/cloud-init.ts';
import { nodeSettings } from '../../../infra/src/boot/settings.ts';
import { planCluster } from '../../../infra/src/plan/cluster-plan.ts';
import { regions } from '../../../infra/src/plan/regions.ts';
import { checkNodeSettings, readSettings } from '../../../node/src/settings/read.ts';

interface CloudConfig {
  readonly write_files: readonly { readonly path: string; readonly content: string; readonly permissions: string }[];
  readonly runcmd: readonly (readonly string[])[];
}

const image = `ghcr.io/me/tutti@sha256:${'0123456789abcdef'.repeat(4)}`;
const text = cloudInit({ image, isBundled: true, registryHost: null, hasCredentials: true });
const config = parse(text) as CloudConfig;
const scripts = config.write_files.filter(({ path }) => path.endsWith('.sh'));
const contentOf = (name: string): string => config.write_files.find(({ path }) => path.endsWith(name))!.content;

describe('cloudInit', () => {
  it('is what stands in cloud-init.golden beside this test', () => {
    expect(text).toBe(readFileSync(new URL('cloud-init.golden', import.meta.url), 'utf8'));
  });

  it('is a cloud-config, and YAML with the same files for whoever reads it', () => {
    expect(text).toMatch(/^#cloud-config\n/);
    expect(config.write_files.map(({ path }) => path)).toEqual([
      '/etc/tutti/mount.sh',
      '/etc/tutti/firewall.sh',
      '/etc/tutti/settings.sh',
      '/etc/tutti/bundle.sh',
      '/etc/sysctl.d/60-tutti.conf',
      '/etc/systemd/system/tutti-disk.service',
      '/etc/systemd/system/tutti-firewall.service',
      '/etc/systemd/system/tutti-node.service',
      '/etc/tutti/await-bundle.sh',
      '/etc/tutti/credentials.sh',
      '/etc/tutti/await-credentials.sh',
      '/etc/systemd/system/tutti-credentials.service',
      '/etc/systemd/system/tutti-node.service.d/credentials.conf',
    ]);
    // In quotes, or YAML reads an octal number and cloud-init another mode.
    for (const { permissions } of config.write_files) expect(permissions).toBe('0644');
  });

  it.each<[string, Buffer | null, string]>([
    ['that was never written', Buffer.alloc(16 * 1024 * 1024), 'mkfs mount'],
    ['with a superblock, behind a KiB of zeros', Buffer.alloc(16 * 1024 * 1024).fill(1, 1080, 1082), 'mount'],
    ['that ends too soon', Buffer.alloc(4096), 'mount'],
    ['that is not there', null, 'mount'],
  ])('mounts a disk %s, and makes a file system on an empty one alone', (_, content, calls) => {
    const folder = mkdtempSync(join(tmpdir(), 'tutti-disk-'));
    try {
      const disk = join(folder, 'disk');
      if (content !== null) writeFileSync(disk, content);
      // The script is the real one; what would change this machine is only written down.
      const names = { 'mkfs.ext4': 'echo mkfs', mount: 'echo mount', mkdir: ':', chown: ':', mountpoint: 'false' };
      for (const [name, does] of Object.entries(names))
        writeFileSync(join(folder, name), `#!/bin/sh\n${does}\n`, { mode: 0o755 });
      const { stdout } = spawnSync('/bin/sh', [], {
        input: contentOf('mount.sh').replace(/^device=.*$/m, `device=${disk}`),
        encoding: 'utf8',
        env: { PATH: `${folder}:/usr/bin:/bin` },
      });
      expect(stdout.trim().split('\n').join(' ')).toBe(calls);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('removes nothing at a reboot', () => {
    for (const { content } of config.write_files)
      expect(content).not.toMatch(/\brm -[rf]|--force\b|wipefs|\bdd\b|volume rm|prune|mkfs\S* .*-F/);
    expect(config.runcmd.flat().join(' ')).not.toMatch(/mkfs|\brm\b|format/);
  });

  it('has scripts that the shell can read', () => {
    expect(scripts).toHaveLength(7);
    for (const { path, content } of scripts) {
      const { status, stderr } = spawnSync('/bin/sh', ['-n'], { input: content, encoding: 'utf8' });
      expect([path, stderr, status]).toEqual([path, '', 0]);
    }
  });

  it('starts every script by a unit, and the node only after the others', () => {
    const units = config.write_files
      .filter(({ path }) => /\.(service|conf)$/.test(path) && path.startsWith('/etc/systemd'))
      .map(({ content }) => content);
    for (const { path } of scripts) expect(units.join('')).toContain(`=/bin/sh ${path}\n`);
    const node = contentOf('tutti-node.service');
    for (const needed of ['docker', 'tutti-disk', 'tutti-firewall'])
      for (const key of ['Requires', 'After'])
        expect(node).toMatch(new RegExp(`^${key}=.*\\b${needed}\\.service`, 'm'));
    expect(config.runcmd.at(-1)).toEqual(['systemctl', 'start', '--no-block', 'tutti-node.service']);
    const run = `--volume=/run/tutti/app:/app:ro \\\n  ${image} \\\n  sh /app/node/bin/tutti \\\n`;
    expect(node).toContain(`${run}  node\n`);
    expect(contentOf('tutti-credentials.service')).toContain(`${run}  credentials sync\n`);
  });

  it('leaves the bundle out where the image has the node, and what a container is given for it', () => {
    const own = (parse(cloudInit({ image, isBundled: false, registryHost: null, hasCredentials: true })) as CloudConfig)
      .write_files;
    const unit = own.find(({ path }) => path.endsWith('tutti-node.service'))!.content;
    expect(own.some(({ path }) => path.endsWith('bundle.sh'))).toBe(false);
    expect(unit).toContain(`  ${image} \\\n  node\n`);
    expect(unit).not.toMatch(/bundle|\/app/);
    expect(own.find(({ path }) => path.endsWith('tutti-credentials.service'))!.content).toContain(
      `  ${image} \\\n  credentials sync\n`,
    );
  });
});

describe('an image in Artifact Registry', () => {
  it('is pulled with the account of the machine, by each unit that pulls it', () => {
    const host = 'europe-docker.pkg.dev';
    const of = (hasCredentials: boolean): CloudConfig['write_files'] =>
      (parse(cloudInit({ image, isBundled: false, registryHost: host, hasCredentials })) as CloudConfig).write_files;
    expect(of(true).find(({ path }) => path === '/etc/tutti/docker/config.json')!.content).toBe(
      '{"credHelpers":{"europe-docker.pkg.dev":"gcr"}}\n',
    );
    const told = (hasCredentials: boolean): string[] =>
      of(hasCredentials)
        .filter(({ content }) => content === '[Service]\nEnvironment=DOCKER_CONFIG=/etc/tutti/docker\n')
        .map(({ path }) => path);
    const node = '/etc/systemd/system/tutti-node.service.d/registry.conf';
    expect(told(false)).toEqual([node]);
    expect(told(true)).toEqual([node, '/etc/systemd/system/tutti-credentials.service.d/registry.conf']);
  });
});

describe('the keys of a node', () => {
  it('are in memory, seen by the container that writes them and, to read, by the node', () => {
    expect(contentOf('tutti-credentials.service')).toContain('--volume=/run/tutti/credentials:/credentials \\\n');
    expect(contentOf('tutti-node.service')).toContain('--volume=/run/tutti/credentials:/credentials:ro \\\n');
    expect(contentOf('credentials.conf')).toContain('Wants=tutti-credentials.service\n');
  });

  it('that nobody has are not fetched', () => {
    expect(cloudInit({ image, isBundled: true, registryHost: null, hasCredentials: false })).not.toContain(
      'credentials',
    );
  });
});

describe('nodeSettings', () => {
  const names = regions.map(({ name }) => name);
  const buckets = {
    config: 'my-project-tutti-dev-config',
    planObject: 'plan.yaml',
    foundersObject: 'founders.txt',
    results: 'tutti-dev-results-1a2b3c4',
  };

  it.each([true, false])(
    'are settings that a node takes, each under a name that it knows (with credentials: %s)',
    (hasCredentials) => {
      fc.assert(
        fc.property(fc.uniqueArray(fc.constantFrom(...names), { minLength: 3, maxLength: 7 }), (list) => {
          const { nodes } = planCluster({ stack: 'dev', regions: list, nodesPerRegion: 1, loadNodesPerRegion: 1 });
          for (const node of nodes) {
            const lines = nodeSettings(node, buckets, hasCredentials).trim().split('\n');
            const environment = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s) as [string, string]));
            // The file of the token is on the machine alone.
            const read = readSettings({ ...environment, API_AUTH_TOKEN_FILE: '' });
            checkNodeSettings(read, environment);
            expect(read).toMatchObject({
              nodeId: node.id,
              region: node.region,
              bindAddress: { host: node.internalIp, port: 7000 },
              role: node.role,
              discoveryMode: 'gce',
              founders: 'gs://my-project-tutti-dev-config/founders.txt',
              configSource: 'gcs',
              gcsBucket: buckets.config,
              gcsResultsBucket: buckets.results,
              timings: 'auto',
              insecure: !hasCredentials,
              tlsKeyFile: hasCredentials ? '/credentials/current/node.key' : null,
            });
          }
        }),
        { numRuns: 30 },
      );
    },
  );
});
