import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closureOf } from '../../../infra/src/bundle/lock-closure.ts';
import { tarOf } from '../../../infra/src/bundle/tar.ts';

describe('the closure of a workspace', () => {
  it('has what is needed, each where Node.js finds it, and nothing for development', () => {
    const packages = {
      '': { dependencies: { other: '1' } },
      node: { dependencies: { a: '1', b: '1' } },
      'node_modules/a': { version: '1.0.0', dependencies: { c: '2' } },
      'node_modules/a/node_modules/c': { version: '2.0.0', dependencies: { d: '1' } },
      'node_modules/b': { version: '1.0.0', dependencies: { c: '1', a: '1' } },
      'node_modules/c': { version: '1.0.0' },
      'node_modules/d': { version: '1.0.0' },
      'node_modules/other': { version: '1.0.0' },
    };
    expect(closureOf(packages, 'node')).toEqual([
      'node_modules/a',
      'node_modules/a/node_modules/c',
      'node_modules/b',
      'node_modules/c',
      'node_modules/d',
    ]);
    expect(() => closureOf({ node: { dependencies: { a: '1' } } }, 'node')).toThrow(
      'package-lock.json has no a, which node needs',
    );
  });
});

describe('an archive', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tutti-tar-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is unpacked by tar to the same files, also of long paths, and is the same in whatever order they come', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,60}$/);
    const file = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
      isExecutable: fc.boolean(),
      content: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
    });
    // No file is also a folder.
    const files = fc
      .uniqueArray(file, { selector: ({ path }) => path.split('/')[0]!, maxLength: 8 })
      .filter((all) => all.length > 0);
    fc.assert(
      fc.property(files, fc.integer(), (all, run) => {
        const archive = tarOf(all);
        expect(tarOf(all.toReversed()).equals(archive)).toBe(true);
        const target = join(folder, `${run}`);
        mkdirSync(target, { recursive: true });
        const { status, stderr } = spawnSync('tar', ['-xf', '-', '-C', target], { input: archive, encoding: 'utf8' });
        expect([stderr, status]).toEqual(['', 0]);
        for (const { path, content } of all) expect(readFileSync(join(target, path)).equals(content)).toBe(true);
        rmSync(target, { recursive: true });
      }),
      { numRuns: 15 },
    );
  });

  it('refuses a path that the format has no room for', () => {
    const file = { path: 'a'.repeat(101), isExecutable: false, content: Buffer.alloc(0) };
    expect(() => tarOf([file])).toThrow('is too long a path');
  });
});
