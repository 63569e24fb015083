/*
 * How many files of ours a checker read, taken from what it printed. Each returns 0 where the output does not
 * say, so that a checker which changes its words fails instead of passing unseen.
 */

/** `tsc --listFiles` prints one absolute path per line; those under node_modules are not ours. */
export function countListedFiles(output: string, root: string): number {
  const prefix = `${root}/`;
  return output.split('\n').filter((line) => line.startsWith(prefix) && line.endsWith('.ts') && !line.includes('/node_modules/'))
    .length;
}

/** oxlint and oxfmt end with "Finished in 55ms on 16 files ...". */
export function countFinishedFiles(output: string): number {
  return Number(/Finished in \S+ on (\d+) files?\b/.exec(output)?.[1] ?? 0);
}

/** The line that `knip-reporter.ts` adds to knip's report. */
export function countProcessedFiles(output: string): number {
  return Number(/^knip processed (\d+) files$/m.exec(output)?.[1] ?? 0);
}
