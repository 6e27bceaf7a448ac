import { readFileSync, writeFileSync } from 'node:fs';
import { errorsPage, settingsPage } from './lib/pages.ts';

/**
 * Writes the pages that are made from the code's own tables. `--check` writes nothing and fails if one is out of date (a test
 * does the same).
 */
const pages = [
  ['docs/settings.md', await settingsPage()],
  ['docs/errors.md', await errorsPage()],
] as const;

for (const [file, text] of pages) {
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is out of date; run: npm run docs`);
    process.exitCode = 1;
  }
}
