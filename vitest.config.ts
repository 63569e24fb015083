import { defineConfig } from 'vitest/config';
import { kernelProject, kernelTests } from './scripts/checks/kernel-tests.ts';
import { patient, slowFactor } from './test/lab/patience.ts';

const architecture = ['test/architecture.test.ts', 'test/architecture/**/*.test.ts'];

/** Long ones that need nothing but a processor, or whole resolvers on loopback: they disturb nobody. */
const sideBySide = [
  'test/random/**/*.test.ts',
  'test/packets/{frontends,ipvs-table,nftables-draws,nftables-table,table,tracer}.test.ts',
  'test/deploy/{kubectl-waypost,manifests,seccomp}.test.ts',
  'test/docs/{blocks,read-blocks,split-commands}.test.ts',
  'test/dns/{cases,life,messages,sizes,streams,system-fuzz,system-metrics,witnesses}.test.ts',
];

/** Whole agents, network namespaces and virtual machines: one file at a time. */
const oneByOne = {
  fileParallelism: false,
  testTimeout: patient(120_000),
  hookTimeout: patient(120_000),
  // Only leads to waiting in vain where every end takes longer.
  teardownTimeout: patient(10_000),
} as const;

export default defineConfig({
  test: {
    pool: 'forks',
    // The smallest machine this is tested on has two cores; more workers make timing-sensitive tests wait.
    maxWorkers: 2,
    // Some have work of seconds, and a machine that is busy takes several times as long.
    testTimeout: patient(60_000),
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,scripts,demo,bench}/**/*.test.ts', ...architecture],
          exclude: [...kernelTests],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'parallel',
          include: [...sideBySide],
          testTimeout: oneByOne.testTimeout,
          hookTimeout: oneByOne.hookTimeout,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...oneByOne,
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: [...architecture, ...sideBySide, ...kernelTests],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...oneByOne,
          name: kernelProject,
          include: [...kernelTests],
          // In the virtual machine a process of its own for each file costs seconds.
          isolate: slowFactor === 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
