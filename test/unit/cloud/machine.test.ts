import { describe, expect, it } from 'vitest';
import { cloudInit } from '../../../infra/src/boot/cloud-init.ts';
import { parseCloudConfig } from '../../cloud/machine/cloud-config.ts';
import { containerScript } from '../../cloud/machine/container.ts';
import { parseEnvFile, parseRun } from '../../cloud/machine/docker-command.ts';
import { commandOf, durationMs, lastOf, parseUnit } from '../../cloud/machine/unit-file.ts';
import { filterTable, natTable } from '../../cloud/rehearsal/packet-filter.ts';

const image = `ghcr.io/me/tutti@sha256:${'0'.repeat(64)}`;

describe('the stand-in for cloud-init', () => {
  it('takes what infra/ writes, and refuses what it would not carry out', () => {
    const { write_files: files, runcmd } = parseCloudConfig(
      cloudInit({ image, isBundled: false, hasCredentials: false, registryHost: null }),
    );
    expect(files.map(({ path }) => path)).toContain('/etc/systemd/system/tutti-node.service');
    expect(runcmd.at(-1)).toContain('tutti-node.service');
    expect(() => parseCloudConfig('write_files: []\n')).toThrow('#cloud-config');
    expect(() => parseCloudConfig('#cloud-config\npackages: [nginx]\n')).toThrow('packages');
  });
});

describe('the stand-in for systemd', () => {
  it('takes the units that infra/ writes', () => {
    const { write_files: files } = parseCloudConfig(
      cloudInit({ image, isBundled: false, hasCredentials: false, registryHost: null }),
    );
    for (const { path, content } of files.filter(({ path }) => path.endsWith('.service'))) {
      const unit = parseUnit(path, content);
      for (const [key, values] of unit) if (key.startsWith('Service.Exec')) values.map(commandOf);
      expect(lastOf(unit, 'Service.ExecStart')).not.toBeNull();
    }
  });

  it('joins lines, skips comments, and refuses what it would not obey', () => {
    const unit = parseUnit('x.service', '[Service]\nExecStart=/bin/a \\\n# not this\n  b\nRestartSec=5\n');
    expect(commandOf(lastOf(unit, 'Service.ExecStart')!)).toEqual({ words: ['/bin/a', 'b'], mayFail: false });
    expect(commandOf('-/bin/a "b c" d').words).toEqual(['/bin/a', 'b c', 'd']);
    expect(commandOf('-/bin/a').mayFail).toBe(true);
    expect(() => parseUnit('x.service', '[Service]\nKillMood=x\n')).toThrow('KillMood');
    expect(() => commandOf('/bin/a $B')).toThrow('expands nothing');
    expect([durationMs('5'), durationMs('10min'), durationMs('1.5s')]).toEqual([5000, 600_000, 1500]);
    expect(() => durationMs('soon')).toThrow('soon');
  });
});

describe('the stand-in for docker', () => {
  const own = {
    env: { A: '1' },
    entrypoint: ['tutti'],
    command: ['node'],
    user: '1000:1000',
    workdir: '/app',
    files: {},
  };
  const words = [
    '--rm',
    '--network=host',
    '--name=tutti',
    '--read-only',
    '--volume=/mnt/x:/data',
    '--env-file=/e',
    image,
    'run',
    "it's",
  ];

  it('runs what the image and the command say, as the user of the image', () => {
    const script = containerScript(parseRun(words), own, () => 'B=two words\n# C=3\n');
    const last = script.trim().split('\n').at(-1)!;
    expect(last).toContain("'A=1' 'B=two words' ");
    expect(last).toContain('--reuid=1000 --regid=1000');
    expect(last).toMatch(/'\/app' 'tutti' 'run' 'it'\\''s'$/);
    expect(script).toContain("mount --bind '/mnt/x' ./data");
    expect(script).not.toContain('bounding-set');
    const bare = containerScript(parseRun(['--rm', '--network=host', '--cap-drop=ALL', image]), own, () => '');
    expect(bare).toMatch(/--bounding-set=-all --inh-caps=-all .*'tutti' 'node'$/m);
  });

  it('refuses what it would not honour', () => {
    expect(() => parseRun([...words.slice(0, 1), '--privileged', '--network=host', image])).toThrow('privileged');
    expect(() => parseRun(['--rm', '--network=bridge', image])).toThrow('--network=host');
    expect(() => parseRun(['--network=host', image])).toThrow('--rm');
    expect(() => parseEnvFile('A B=1')).toThrow('A B=1');
  });
});

describe('the firewall of the stand-in for a network', () => {
  const machines = [
    { device: 'vm1', address: '10.64.0.10', external: '203.0.113.1', account: 'one' },
    { device: 'vm2', address: '10.65.0.10', external: null, account: 'two' },
  ];
  const rule = {
    isAllow: true,
    protocols: [{ protocol: 'tcp', ports: ['7000'] }],
    sourceRanges: [],
    sourceAccounts: [],
    targetAccounts: [],
  };

  it('goes by priority, denies before it allows, and drops what nothing allows', () => {
    const rules = [
      { ...rule, priority: 1000, sourceAccounts: ['one'], targetAccounts: ['two'] },
      { ...rule, priority: 500, sourceRanges: ['35.235.240.0/20'], protocols: [{ protocol: 'tcp', ports: [] }] },
      {
        ...rule,
        priority: 500,
        isAllow: false,
        sourceRanges: ['0.0.0.0/0'],
        protocols: [{ protocol: 'all', ports: [] }],
      },
    ];
    const toSecond = filterTable(machines, rules)
      .split('\n')
      .filter((line) => line.startsWith('-A to-vm2'));
    expect(toSecond).toEqual([
      '-A to-vm2 -s 0.0.0.0/0 -j DROP',
      '-A to-vm2 -s 35.235.240.0/20 -p tcp -j ACCEPT',
      '-A to-vm2 -s 10.64.0.10/32 -p tcp --dport 7000 -j ACCEPT',
      '-A to-vm2 -j DROP',
    ]);
    expect(filterTable(machines, rules)).not.toContain('-A to-vm1 -s 10.64.0.10');
  });

  it('gives the external address to what leaves, where there is one', () => {
    const lines = natTable(machines).split('\n');
    expect(lines.filter((line) => line.startsWith('-A'))).toEqual([
      '-A POSTROUTING -s 10.64.0.10/32 -o internet -j SNAT --to-source 203.0.113.1',
    ]);
  });
});
