import { writeFileSync } from 'node:fs';
import type { Reporter, Vitest } from 'vitest/node';
import { summarizeRun } from './summarize-run.ts';

/** Environment variable with the path to which the reporter writes its tally as JSON. */
export const tallyPathVariable = 'WAYPOST_TALLY_PATH';

/** Writes the tally of the run. vitest's own JSON report leaves out why a test was skipped and what broke outside tests. */
export default class TallyReporter implements Reporter {
  #selected = false;

  onInit(vitest: Vitest): void {
    this.#selected = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules, unhandledErrors) => {
    const path = process.env[tallyPathVariable];
    if (path !== undefined) writeFileSync(path, JSON.stringify(summarizeRun(modules, unhandledErrors, this.#selected)));
  };
}
