import { runChild } from './run-child.ts';
import { judgeStep } from './steps.ts';
import type { Step } from './steps.ts';
import { tallyCheck } from './tally.ts';
import type { Tally } from './tally.ts';

/** Milliseconds; each of these takes seconds. */
const timeLimit = 5 * 60_000;

/** Runs one checker, prints one line for a success and everything it said for a failure. */
export async function runStep(step: Step, atLeast: number, signal: AbortSignal): Promise<Tally> {
  const start = performance.now();
  const end = await runChild(step.argv, { env: process.env, timeLimit, capture: true, signal });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const filesRead = step.countFiles(end.output);
  const problem = end.stopped ?? judgeStep(end.code, filesRead, atLeast);
  if (problem !== null) process.stdout.write(`${step.pickMessages(end.output)}\n`);
  console.log(
    problem === null
      ? `ok      ${step.name} (${filesRead} files, ${seconds} s)`
      : `FAILED  ${step.name}: ${problem} (${seconds} s)`,
  );
  return tallyCheck(step.name, problem);
}
