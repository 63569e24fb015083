import { relative } from 'node:path';
import { slowFactorVariable } from '../../test/lab/patience.ts';
import { prepareVm, startVm } from '../../test/vm/mod.ts';
import type { Machine, Vm } from '../../test/vm/mod.ts';
import { judgeTests } from './judge-tests.ts';
import { kernelProject } from './kernel-tests.ts';
import { emptyTally } from './tally.ts';
import type { Tally } from './tally.ts';
import { listVitestArguments } from './vitest-arguments.ts';
import { tallyPathVariable } from './vitest-reporter.ts';

/** Seconds for the tests in the virtual machine; they are meant to take ten minutes, and machines differ by a factor of two. */
const timeLimit = 40 * 60;

/** How much longer than here a time limit is in the guest. Node.js is 10 to 20 times slower under software emulation. */
const slowFactors = { kvm: 1, tcg: 6 } as const;

/** The guest's own, and gone with it. */
const tallyPath = '/run/waypost-tally.json';

/**
 * Runs the tests that need another kernel than this one in a virtual machine. `args` choose among them as vitest
 * understands it; `files` are the absolute paths of those chosen. Where there can be no virtual machine they count
 * as skipped, with the reason.
 */
export async function runInVm(
  args: readonly string[],
  files: readonly string[],
  signal: AbortSignal,
  prepare: typeof prepareVm = prepareVm,
): Promise<Tally> {
  const capability = await prepare();
  if (!capability.ok) {
    const reason = `this kernel has no ip_vs, and ${capability.reason}`;
    console.log(`\nSKIPPED: the tests of ${files.length} files: ${reason}`);
    return { ...emptyTally, skips: files.map((file) => ({ name: `${relative(process.cwd(), file)} (all of it)`, reason })) };
  }
  try {
    return await runInGuest(capability.machine, args, signal);
  } catch (error) {
    const stopped = signal.aborted ? String(signal.reason) : (error as Error).message;
    return judgeTests({ code: null, stopped }, null);
  }
}

async function runInGuest(machine: Machine, args: readonly string[], signal: AbortSignal): Promise<Tally> {
  await using vm = await startVm(machine, { signal });
  console.log(`\nThis kernel has no ip_vs: a virtual machine with kernel ${vm.release} (${vm.acceleration}) runs the rest.`);
  const end = await vm.run('node', listVitestArguments([`--project=${kernelProject}`, ...args]), {
    env: guestEnvironment(vm),
    timeout: timeLimit,
    onStdout: (chunk) => process.stdout.write(chunk),
    onStderr: (chunk) => process.stderr.write(chunk),
  });
  const tally = await readTally(vm);
  return judgeTests({ code: end.code, stopped: end.code === null ? `took longer than ${timeLimit} s` : null }, tally);
}

/** What the person at the terminal set for tests holds there too. */
function guestEnvironment(vm: Vm): Readonly<Record<string, string>> {
  const own = Object.entries(process.env).filter(([name]) => name.startsWith('WAYPOST_TEST_') || name === 'NO_COLOR');
  return {
    ...Object.fromEntries(own.map(([name, value]) => [name, value ?? ''])),
    ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
    [slowFactorVariable]: String(slowFactors[vm.acceleration]),
    [tallyPathVariable]: tallyPath,
  };
}

async function readTally(vm: Vm): Promise<Tally | null> {
  const { code, stdout } = await vm.run('cat', [tallyPath]);
  return code === 0 ? (JSON.parse(stdout) as Tally) : null;
}
