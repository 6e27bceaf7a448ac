import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { isolation } from '../../linearizability/isolation.ts';
import { availableOrSkip } from '../../support/available.ts';

const all = ['a>b', 'a>c', 'b>a', 'b>c', 'c>a', 'c>b'];

it('links between network namespaces are cut both ways, one way, and healed', async (context) => {
  const [file, ...prefix] = await availableOrSkip(context, isolation);
  const probe = [process.execPath, join(import.meta.dirname, 'network-probe.ts')];
  const { stdout } = await promisify(execFile)(file!, [...prefix, ...probe]);
  const states = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { state: string; carrying: string[] });
  expect(states).toEqual([
    { state: 'whole', carrying: all },
    { state: 'one way', carrying: all.filter((link) => link !== 'a>b') },
    { state: 'cut off', carrying: ['a>b', 'b>a'] },
    { state: 'healed', carrying: all },
  ]);
});
