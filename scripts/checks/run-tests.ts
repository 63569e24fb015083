import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernelModule } from '../../test/vm/mod.ts';
import { buildBundle } from '../bundle/build-bundle.ts';
import { judgeTests } from './judge-tests.ts';
import { kernelProject } from './kernel-tests.ts';
import { listTestFiles } from './list-test-files.ts';
import type { TestFile } from './list-test-files.ts';
import { runChild } from './run-child.ts';
import { runInVm } from './run-in-vm.ts';
import { addTallies, emptyTally } from './tally.ts';
import type { Tally } from './tally.ts';
import { listVitestArguments } from './vitest-arguments.ts';
import { tallyPathVariable } from './vitest-reporter.ts';

/** Milliseconds for all tests but those in the virtual machine; they are meant to take fifteen minutes on two cores. */
const timeLimit = 30 * 60_000;

/**
 * Runs vitest on the given paths (all tests where there are none) and says what came of it. The tests that need
 * `ip_vs` run here where the kernel has it and this is root, and in a virtual machine otherwise: after the others,
 * because two cores are too few for both at once.
 */
export async function runTests(paths: readonly string[], signal: AbortSignal): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'waypost-test-'));
  try {
    const files = await listTestFiles(paths, folder, signal);
    if (files?.some(({ projectName }) => projectName !== unitProject) ?? false) await bundleAgent(join(process.cwd(), 'dist'));
    const places = splitFiles(files, process.getuid?.() === 0 && (await kernelModule('ip_vs')));
    const here = places.here ? await runHere([...places.projects, ...paths], folder, signal) : emptyTally;
    if (places.inVm.length === 0 || signal.aborted) return here;
    return addTallies(here, await runInVm(paths, places.inVm, signal));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The project of tests that start no agent of a lab. */
const unitProject = 'unit';

/** What an image holds is what agents of tests are started from, and they start in a third of the time. */
async function bundleAgent(folder: string): Promise<void> {
  await buildBundle(process.cwd(), folder);
  process.env['WAYPOST_TEST_LAUNCHER'] = join(folder, 'bin', 'waypost');
}

/** Which tests run where. */
export interface Places {
  readonly here: boolean;
  /** Arguments that leave out here what runs in the virtual machine. */
  readonly projects: readonly string[];
  /** Files for the virtual machine. */
  readonly inVm: readonly string[];
}

/** Where nothing is listed vitest runs here all the same, and says why nothing was found. */
export function splitFiles(files: readonly TestFile[] | null, kernelIsHere: boolean): Places {
  const inVm = kernelIsHere || files === null ? [] : files.filter(({ projectName }) => projectName === kernelProject);
  if (inVm.length === 0) return { here: true, projects: [], inVm: [] };
  return {
    here: inVm.length !== files?.length,
    projects: [`--project=!${kernelProject}`],
    inVm: inVm.map(({ file }) => file),
  };
}

async function runHere(args: readonly string[], folder: string, signal: AbortSignal): Promise<Tally> {
  const tallyPath = join(folder, 'tally.json');
  const env = { ...process.env, [tallyPathVariable]: tallyPath };
  return judgeTests(await runChild(listVitestArguments(args), { env, timeLimit, capture: false, signal }), readTally(tallyPath));
}

function readTally(path: string): Tally | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Tally;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
