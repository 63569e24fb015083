/** A test that did not run, and why. */
export interface Skip {
  readonly name: string;
  readonly reason: string;
}

/** What a check or a whole run amounted to. `failures` names each failed test. */
export interface Tally {
  readonly passed: number;
  readonly failures: readonly string[];
  readonly skips: readonly Skip[];
}

export const emptyTally: Tally = { passed: 0, failures: [], skips: [] };

/** One check that is not made of tests counts as one. */
export function tallyCheck(name: string, problem: string | null): Tally {
  return problem === null ? { ...emptyTally, passed: 1 } : { ...emptyTally, failures: [`${name}: ${problem}`] };
}

/** The sum of two tallies. */
export function addTallies(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failures: [...a.failures, ...b.failures], skips: [...a.skips, ...b.skips] };
}

/** The last line of a run. */
export function formatClosingLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failures.length} failed, ${tally.skips.length} skipped`;
}

/** Skipped tests grouped by reason, then the failed ones; no lines where there are neither. */
export function formatDetails(tally: Tally): readonly string[] {
  const byReason = Map.groupBy(tally.skips, (skip) => skip.reason);
  const skipped = [...byReason].flatMap(([reason, skips]) => [
    `SKIPPED ${skips.length}: ${reason}`,
    ...skips.map((skip) => `  - ${skip.name}`),
  ]);
  return [...skipped, ...tally.failures.map((failure) => `FAILED ${failure}`)];
}

/** 0 only when something passed and nothing failed: a run that tested nothing proves nothing. */
export function exitCodeOf(tally: Tally): 0 | 1 {
  return tally.failures.length === 0 && tally.passed > 0 ? 0 : 1;
}
