import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,simulation,integration,e2e}/**/*.test.ts'],
    // Two cores: more workers only make the timing of real-process tests worse.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
