import { defineConfig } from 'vitest/config';

/** CI and `scripts/test --all` also run what takes longer or needs more than Node.js. */
const all = process.env.TUTTI_TEST_ALL === '1';
const network = 'test/integration/{consensus,key-value,node,storage,transport}/**/*.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/{unit,simulation}/**/*.test.ts'],
          // Two cores: more workers only slow each other down.
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'network',
          include: [network],
          // They mostly wait, on silences and reconnects, and measure no load; so two files at a time.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'processes',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: all ? [network] : [network, 'test/e2e/**/*.long.test.ts'],
          // Real processes and real time: one file at a time, or they measure each other.
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
