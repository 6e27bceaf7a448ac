import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorsPage, settingsPage } from '../../../scripts/lib/pages.ts';

const markdown = [
  ...readdirSync('.'),
  ...readdirSync('docs').map((name) => join('docs', name)),
  ...readdirSync('docs/adr').map((name) => join('docs/adr', name)),
].filter((name) => name.endsWith('.md'));

describe('the documentation', () => {
  it('docs/settings.md and docs/errors.md are what the tables say (npm run docs)', async () => {
    expect(readFileSync('docs/settings.md', 'utf8')).toBe(await settingsPage());
    expect(readFileSync('docs/errors.md', 'utf8')).toBe(await errorsPage());
  });

  it.each(markdown)('every relative link of %s leads somewhere', (file) => {
    const targets = [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1]!)
      .filter((target) => !/^https?:/.test(target));
    const missing = targets.filter((target) => !exists(join(dirname(file), target)));
    expect(missing).toEqual([]);
  });

  it('every dependency has its reason in docs/dependencies.md', () => {
    const page = readFileSync('docs/dependencies.md', 'utf8');
    const names = ['package.json', 'node/package.json'].flatMap((file) => {
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string> | undefined>;
      return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((key) =>
        Object.keys(manifest[key] ?? {}),
      );
    });
    expect(names.filter((name) => !page.includes(name))).toEqual([]);
  });
});

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR';
  }
}
