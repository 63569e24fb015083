import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './run-child.ts';

/** A test file as vitest lists it. */
export interface TestFile {
  /** An absolute path. */
  readonly file: string;
  readonly projectName: string;
}

/** Milliseconds; it takes about one second. */
const timeLimit = 2 * 60_000;

/**
 * The test files that vitest would run with these arguments; it alone knows what its arguments mean. Null where it
 * cannot say, which the run itself then explains. `folder` is for notes.
 */
export async function listTestFiles(
  args: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<readonly TestFile[] | null> {
  const path = join(folder, 'files.json');
  const argv = ['node_modules/vitest/vitest.mjs', 'list', '--filesOnly', `--json=${path}`, ...args];
  const end = await runChild(argv, { env: process.env, timeLimit, capture: true, signal });
  return end.code === 0 ? (JSON.parse(readFileSync(path, 'utf8')) as readonly TestFile[]) : null;
}
