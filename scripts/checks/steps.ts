import { countFinishedFiles, countListedFiles, countProcessedFiles } from './count-files.ts';

/** A checker that is not a test runner. */
export interface Step {
  readonly name: string;
  /** A script under node_modules and its arguments. */
  readonly argv: readonly string[];
  /** Whether it has to read this file of ours; the path is relative to the repository. */
  reads(path: string): boolean;
  /** Files of ours it read, by what it printed. */
  countFiles(output: string): number;
  /** What of its output helps after a failure. */
  pickMessages(output: string): string;
}

function pickAll(output: string): string {
  return output;
}

/** The compiler names each file it read on a line of its own, by absolute path; its messages have relative ones. */
function dropListing(output: string): string {
  return output
    .split('\n')
    .filter((line) => !line.startsWith('/'))
    .join('\n');
}

/** Scripts of the status page: they live in a browser, with its types and without those of Node.js. */
function isForBrowsers(path: string): boolean {
  return path.startsWith('src/observe/page/browser/');
}

function makeTypes(name: string, project: string, root: string, reads: Step['reads']): Step {
  return {
    name,
    argv: ['node_modules/typescript/bin/tsc', '-p', project, '--listFiles', '--pretty', 'false'],
    reads,
    countFiles: (output) => countListedFiles(output, root),
    pickMessages: dropListing,
  };
}

/** The checkers in the order they run, quickest answers first. `root` is the absolute path of the repository. */
export function listSteps(root: string): readonly Step[] {
  return [
    {
      name: 'format',
      argv: ['node_modules/oxfmt/bin/oxfmt', '--check'],
      reads: () => true,
      countFiles: countFinishedFiles,
      pickMessages: pickAll,
    },
    {
      name: 'lint',
      argv: ['node_modules/oxlint/bin/oxlint', '--deny-warnings'],
      reads: () => true,
      countFiles: countFinishedFiles,
      pickMessages: pickAll,
    },
    makeTypes('types', '.', root, (path) => !isForBrowsers(path)),
    makeTypes('types of the status page', 'src/observe/page', root, isForBrowsers),
    {
      name: 'unused code',
      argv: [
        'node_modules/knip/bin/knip.js',
        '--no-progress',
        '--treat-config-hints-as-errors',
        '--reporter',
        'symbols',
        '--reporter',
        './scripts/checks/knip-reporter.ts',
      ],
      reads: () => true,
      countFiles: countProcessedFiles,
      pickMessages: pickAll,
    },
  ];
}

/**
 * Why a step that ended is no success, in words, or null. A checker with a good exit code that read fewer files
 * than `atLeast` (there is a mistake in its configuration) is no success either.
 */
export function judgeStep(code: number | null, filesRead: number, atLeast: number): string | null {
  if (code !== 0) return `ended with ${code === null ? 'a signal' : `exit code ${code}`}`;
  if (filesRead === 0 || filesRead < atLeast) return `read ${filesRead} files where there are ${atLeast}`;
  return null;
}
