import { describe, expect, it } from 'vitest';
import { rowsFor } from '../../../node/src/cli/progress.ts';

const bar = '░'.repeat(20);
const said =
  'running 10.2 s of 20 s | 60 iterations/s | 812 requests, 3 failed | response p50 4.0 ms, p99 70.1 ms | 3 nodes';

describe('the live progress', () => {
  it('stands beside its bar where the terminal is wide enough, and alone in one row where it just fits', () => {
    expect(rowsFor(said, bar, said.length + 22)).toEqual([`${bar} ${said}`]);
    expect(rowsFor(said, bar, said.length + 21)).toEqual([said]);
    expect(rowsFor(said, bar, said.length + 1)).toEqual([said]);
  });

  it('loses no figure on a terminal of 80 columns', () => {
    expect(rowsFor(said, bar, 80)).toEqual([
      'running 10.2 s of 20 s | 60 iterations/s | 812 requests, 3 failed',
      'response p50 4.0 ms, p99 70.1 ms | 3 nodes',
    ]);
  });

  it.each([1, 2, 10, 30, 79])('has no row that a terminal of %d columns would wrap', (columns) => {
    expect(rowsFor(said, bar, columns).filter((row) => row.length >= columns)).toEqual([]);
  });
});
