import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { availableOrSkip } from '../../support/available.ts';
import { pinnedDockerCompose } from '../../support/docker/compose-program.ts';
import { buildTimeoutMs } from '../../support/go-build.ts';

interface Config {
  readonly services: Readonly<Record<string, { readonly ports?: readonly { readonly host_ip?: string }[] }>>;
}
/** What is started by which profiles; by none, those of .env. */
const expected: readonly (readonly [profiles: readonly string[], services: readonly string[]])[] = [
  [[], ['consul', 'target', 'tutti', 'where-consul']],
  [['consul'], ['consul', 'tutti', 'where-consul']],
  [['static'], ['node-a', 'node-b', 'node-c', 'where-static']],
  [['gcs'], ['gcs', 'gcs-a', 'gcs-b', 'gcs-c', 'where-gcs']],
  [['observability'], ['grafana', 'prometheus']],
  [['target'], ['target']],
  [
    ['observability', 'static', 'target'],
    ['grafana', 'node-a', 'node-b', 'node-c', 'prometheus', 'target', 'where-static'],
  ],
];

it(
  'docker compose takes docker-compose.yml with every profile',
  { timeout: buildTimeoutMs + 60_000 },
  async (context) => {
    const compose = await availableOrSkip(context, pinnedDockerCompose);
    for (const [profiles, services] of expected) {
      const flags = profiles.flatMap((name) => ['--profile', name]);
      const { stdout, stderr } = await promisify(execFile)(compose, [...flags, 'config', '--format', 'json']);
      const config = JSON.parse(stdout) as Config;
      expect(stderr).toBe('');
      expect(Object.keys(config.services).sort()).toEqual(services);
      const ports = Object.values(config.services).flatMap((service) => service.ports ?? []);
      expect(new Set(ports.map((port) => port.host_ip))).toEqual(new Set(['127.0.0.1']));
    }
  },
);
