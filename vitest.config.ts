import { defineConfig } from 'vitest/config';

/** CI and `scripts/test --all` also run what takes longer or needs more than Node.js. */
const all = process.env.TUTTI_TEST_ALL === '1';
/** These measure time or load, or keep all cores busy for minutes, or need a port that stands in the documentation. */
const alone = [
  'test/e2e/{demo,demo-ports,failover,node-end,node-kill,readme,rehearse,rejoin}*.test.ts',
  'test/integration/foreign-load.test.ts',
  'test/integration/cloud/*.long.test.ts',
];
const long = all ? [] : ['test/**/*.long.test.ts'];

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
          // A whole bundle of the node is made in one, on a machine that is busy.
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'processes',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: [...alone, ...long],
          // Real processes and sockets, that mostly wait, on silences, elections and reconnects; so more than there are cores.
          maxWorkers: 3,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'alone',
          include: alone,
          exclude: long,
          // One file at a time, or they measure each other.
          maxWorkers: 1,
          fileParallelism: false,
          // As the nodes (node/bin/tutti): the garbage of who only watches must not take both cores either.
          execArgv: ['--v8-pool-size=1'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
