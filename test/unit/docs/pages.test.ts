import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorsPage, settingsPage } from '../../../scripts/lib/pages.ts';
import { deadLinks } from './links.ts';

const unwritten = new Set(['node_modules', '.git']);
const markdown = readdirSync('.', { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.md') && !name.split('/').some((part) => unwritten.has(part)),
);

describe('the documentation', () => {
  it('docs/settings.md and docs/errors.md are what the tables say (npm run docs)', async () => {
    expect(readFileSync('docs/settings.md', 'utf8')).toBe(await settingsPage());
    expect(readFileSync('docs/errors.md', 'utf8')).toBe(await errorsPage());
  });

  it.each(markdown)('every relative link of %s leads somewhere', (file) => {
    expect(deadLinks(file, readFileSync(file, 'utf8'))).toEqual([]);
  });

  it('a link to a file or a heading that is not there is found', () => {
    const text = `# A heading, with \`code\`\n[a](#a-heading-with-code) [b](#b) [c](docs/plan.md#the-plan) [d](docs/plan.md#nothing)
[e](docs/none.md) [f](docs/adr) [g](https://example.org/none#none)\n\`\`\`ts\nlist[0](none)\n\`\`\`\n`;
    expect(deadLinks('README.md', text)).toEqual(['#b', 'docs/plan.md#nothing', 'docs/none.md']);
    expect(markdown).toContain('examples/key-value/README.md');
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
