/** The command line of Node.js for a run of vitest that leaves a tally; `args` choose the tests. */
export function listVitestArguments(args: readonly string[]): readonly string[] {
  return [
    'node_modules/vitest/vitest.mjs',
    'run',
    // A forgotten `.only` would hide every other test.
    '--allowOnly=false',
    '--reporter=default',
    '--reporter=./scripts/checks/vitest-reporter.ts',
    ...args,
  ];
}
