import type { ChildEnd } from './run-child.ts';
import { addTallies, emptyTally, tallyCheck } from './tally.ts';
import type { Tally } from './tally.ts';

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
