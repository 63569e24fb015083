import { defineConfig } from 'vitest/config';

const architecture = ['test/architecture.test.ts', 'test/architecture/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // The smallest machine this is tested on has two cores; more workers make timing-sensitive tests wait.
    maxWorkers: 2,
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['{src,scripts,demo,bench}/**/*.test.ts', ...architecture], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // Whole agents, network namespaces and virtual machines: one file at a time, after the unit tests.
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: architecture,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
