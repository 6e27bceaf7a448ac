import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { problemsOf } from './settings-of.ts';

interface Service {
  readonly profiles: readonly string[];
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly user?: string;
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
}

const text = readFileSync('docker-compose.yml', 'utf8');
const withDefaults = text.replace(/\$\{\w+(?::-([^}]*))?\}/g, (_whole, given: string | undefined) => given ?? '');
const { services } = parse(withDefaults, { merge: true }) as { readonly services: Readonly<Record<string, Service>> };
const all = Object.entries(services);
const nodes = all.filter(([, { environment }]) => environment?.CLUSTER_CONFIG_SOURCE !== undefined);

describe('docker-compose.yml', () => {
  it('has the profiles that the README names, and .env chooses among them', () => {
    expect([...new Set(all.flatMap(([, { profiles }]) => profiles))].sort()).toEqual([
      'consul',
      'gcs',
      'observability',
      'static',
      'target',
    ]);
    expect(readFileSync('.env', 'utf8')).toMatch(/^COMPOSE_PROFILES=consul,target$/m);
  });

  it.each(all)(
    '%s listens on this machine alone, in the network of the project, from an image with a version',
    (_name, service) => {
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
      expect(service.networks).toEqual(['tutti']);
      expect(service.image).toMatch(/^tutti$|:v?\d/);
    },
  );

  it.each(nodes)('%s is a node with settings that a node takes', (_name, { environment }) => {
    expect(problemsOf(environment!)).toEqual([]);
  });

  it.each(nodes)('%s may write to its own volume alone, and has time to hand over', (_name, service) => {
    expect(service).toMatchObject({ read_only: true, init: true, stop_grace_period: '30s' });
    expect(service.volumes?.join()).toMatch(/^(data-\w:)?\/data$/);
  });

  it('no two nodes share a volume', () => {
    const named = nodes.flatMap(([, { volumes = [] }]) => volumes).filter((volume) => volume.includes(':'));
    expect(named).toHaveLength(3);
    expect(new Set(named).size).toBe(3);
  });

  it('says beside CLUSTER_INSECURE why the doors may stand open', () => {
    expect(text).toMatch(/# .*\n +# .*127\.0\.0\.1.*\n +CLUSTER_INSECURE: 'true'/);
  });

  it('a wrong value or an unknown name is found', () => {
    const good = services['node-a']!.environment!;
    expect(problemsOf({ ...good, CLUSTER_SNAPSHOT_LOG_MIB: 'many' })).not.toEqual([]);
    expect(problemsOf({ ...good, GENERATOR: '1' })).toEqual(['GENERATOR: unknown variable']);
    expect(problemsOf({ ...good, CLUSTER_INSECURE: 'false' }).join()).toContain('not loopback');
  });
});
