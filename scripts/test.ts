/**
 * The one check of everything: format, lint, types, unused code, then all tests. The last line printed is
 * "N passed, N failed, N skipped"; each check before the tests counts as one test. With paths as arguments only
 * the tests of those paths run; with --quick the checks and the rules of the architecture.
 */
import { globSync } from 'node:fs';
import { runStep } from './checks/run-step.ts';
import { runTests } from './checks/run-tests.ts';
import { listSteps } from './checks/steps.ts';
import { addTallies, emptyTally, exitCodeOf, formatClosingLine, formatDetails } from './checks/tally.ts';
import type { Tally } from './checks/tally.ts';

async function runSteps(signal: AbortSignal): Promise<Tally> {
  const sources = globSync('{src,test,scripts,demo,bench}/**/*.ts');
  let tally = emptyTally;
  for (const step of listSteps(process.cwd())) {
    if (signal.aborted) break;
    // One after the other: side by side they would fight for two cores and mix their output.
    tally = addTallies(tally, await runStep(step, sources.filter(step.reads).length, signal));
  }
  return tally;
}

async function main(args: readonly string[]): Promise<number> {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => abort.abort(`${name} received`));
  const quick = args.includes('--quick');
  const paths = args.filter((arg) => arg !== '--quick');
  const checks = paths.length === 0 ? await runSteps(abort.signal) : emptyTally;
  const tests = await runTests(quick ? ['test/architecture'] : paths, abort.signal);
  const tally = addTallies(checks, tests);
  const details = formatDetails(tally);
  if (details.length > 0) console.log(`\n${details.join('\n')}\n`);
  console.log(formatClosingLine(tally));
  return abort.signal.aborted ? 130 : exitCodeOf(tally);
}

process.exitCode = await main(process.argv.slice(2));
