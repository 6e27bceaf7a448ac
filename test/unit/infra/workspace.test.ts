import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operatorRoles } from '../../../infra/src/cloud/doctor/rights.ts';
import { commands } from '../../../infra/src/cloud/main.ts';
import { notBuilt } from '../../../infra/src/config/parse.ts';
import { stackSchema } from '../../../infra/src/config/schema.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('infra/package.json')) as { readonly dependencies: Record<string, string> };

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const locked = (JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Locked>> })
  .packages;

/** All that npm installs for one workspace. */
function installedFor(workspace: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (at: string): void => {
    const { dependencies = {}, optionalDependencies = {} } = locked[at]!;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const place = [`${at}/node_modules/${name}`, `node_modules/${name}`].find((path) => path in locked);
      if (place === undefined || found.has(place)) continue;
      found.add(place);
      visit(place);
    }
  };
  visit(workspace);
  return found;
}

describe('the workspace of the Pulumi program', () => {
  it('is nothing that a node is installed with', () => {
    expect([...installedFor('node')].filter((name) => name.includes('@pulumi/'))).toEqual([]);
    expect(installedFor('node').size).toBeGreaterThan(50);
    expect([...installedFor('infra')]).toContain('node_modules/@pulumi/gcp');
  });

  it('pins its dependencies, each with its reason in docs/dependencies.md', () => {
    for (const [name, version] of Object.entries(manifest.dependencies)) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(read('docs/dependencies.md')).toContain(name);
    }
  });
});

describe('docs/google-cloud.md', () => {
  const page = read('docs/google-cloud.md');

  it('says first that this has not run on Google Cloud; a stack with nothing but what is required is refused nothing', () => {
    const first = page.slice(0, page.indexOf('\n## '));
    expect(first).toContain('no cluster has been started on Google Cloud with this yet');
    const least = stackSchema.parse({ project: 'my-project', stack: 'dev', regions: ['us-east1'], plan: 'p' });
    expect(notBuilt(least)).toEqual([]);
  });

  it('has a row for every role that doctor asks for, and for every command', () => {
    for (const [role] of operatorRoles) expect(page).toMatch(new RegExp(`^\\| ${role.replaceAll('.', '\\.')} `, 'm'));
    expect(page.match(/^\| roles\//gm)).toHaveLength(operatorRoles.length);
    for (const { usage } of commands) expect(page).toMatch(new RegExp(`^\\| \`${usage.split(' ')[0]!}[\` ]`, 'm'));
  });

  it('has a row for every key of a stack', () => {
    // Load-only nodes stand above the table, among what is not built.
    const keys = Object.keys(stackSchema.shape).filter((key) => !['stack', 'project'].includes(key));
    for (const key of keys) expect(page).toContain(`tutti:${key}\``);
    expect(page).toContain('| `gcp:project`');
  });
});
