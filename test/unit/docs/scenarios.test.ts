import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allMutants } from '../../simulation/all-mutants.ts';

const code = /\b[ELRDMTSWH]\d{1,2}\b/g;
const counts = { E: 12, L: 11, R: 18, D: 6, M: 14, T: 6, S: 11, W: 10, H: 5 };
const all = Object.entries(counts).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, at) => `${group}${at + 1}`),
);
const page = readFileSync('docs/raft-scenarios.md', 'utf8');
const rows = [...page.matchAll(/^\| ([A-Z]\d+) +\|[^|]+\| (.+?) +\|$/gm)].map(([, of, here]) => ({ of, here }));
const unbuilt = /^Not built: (.*)\./m.exec(page)?.[1]?.match(code) ?? [];

/** Codes in the titles of tests and of the groups they stand in. */
const titles = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .flatMap((name) => [...readFileSync(`test/${name}`, 'utf8').matchAll(/\b(?:it|describe)(?:\.each)?\(.*/g)])
  .map(([line]) => line)
  .concat(allMutants.map(({ name }) => name));
const titled = new Set(titles.flatMap((line) => line.match(code) ?? []));

describe('docs/raft-scenarios.md', () => {
  it('has each of the 93 codes once', () => {
    expect([...rows.map(({ of }) => of), ...unbuilt].sort()).toEqual([...all].sort());
  });

  it('says of each whether it is tested, not built or cannot apply', () => {
    expect(rows.filter(({ here }) => !/^(tested$|not built: |cannot apply: )/.test(here!))).toEqual([]);
  });

  it('calls tested what a test has in its title, and nothing else', () => {
    const tested = rows.filter(({ here }) => here === 'tested').map(({ of }) => of);
    expect(tested.filter((of) => !titled.has(of!))).toEqual([]);
    expect(all.filter((of) => titled.has(of) && !tested.includes(of))).toEqual([]);
  });
});
