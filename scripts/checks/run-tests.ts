import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './run-child.ts';
import type { ChildEnd } from './run-child.ts';
import { addTallies, emptyTally, tallyCheck } from './tally.ts';
import type { Tally } from './tally.ts';
import { tallyPathVariable } from './vitest-reporter.ts';

/** Milliseconds for all tests; with the checks before them a run stays below 25 minutes on two cores. */
const timeLimit = 20 * 60_000;

/** Runs vitest on the given paths (all tests where there are none) and says what came of it. */
export async function runTests(paths: readonly string[], signal: AbortSignal): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'waypost-test-'));
  try {
    const tallyPath = join(folder, 'tally.json');
    const end = await runChild(
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        // A forgotten `.only` would hide every other test.
        '--allowOnly=false',
        '--reporter=default',
        '--reporter=./scripts/checks/vitest-reporter.ts',
        ...paths,
      ],
      { env: { ...process.env, [tallyPathVariable]: tallyPath }, timeLimit, capture: false, signal },
    );
    return judgeTests(end, readTally(tallyPath));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readTally(path: string): Tally | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Tally;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The tally, with a failure more where the runner's end does not agree with it. */
export function judgeTests(end: Pick<ChildEnd, 'code' | 'stopped'>, tally: Tally | null): Tally {
  const counted = tally ?? emptyTally;
  const problem = findProblem(end, counted);
  return problem === null ? counted : addTallies(counted, tallyCheck('tests', problem));
}

function findProblem(end: Pick<ChildEnd, 'code' | 'stopped'>, tally: Tally): string | null {
  if (end.stopped !== null) return `stopped: ${end.stopped}`;
  if (end.code !== 0 && tally.failures.length === 0)
    return `the test runner ended with ${end.code ?? 'a signal'} and named no failed test`;
  if (tally.passed + tally.failures.length === 0) return 'no test ran';
  return null;
}
