import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { DataPlane, Family, Outcome, Problem } from '../model/mod.ts';
import { findMissingCapabilities } from './capabilities.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/**
 * `waypost cleanup`: removes everything of ours of both families from the kernel, without an API server.
 * Gives the exit code: not 0 if anything may be left.
 */
export async function runCleanup(terminal: Terminal): Promise<number> {
  const missing = findMissingCapabilities(await readFile('/proc/self/status', 'utf8'));
  if (missing.fatal.length > 0) {
    printProblems(terminal, missing.fatal);
    return 1;
  }
  const { makeDataPlanes } = await import('./make-data-planes.ts');
  // The list of interfaces is there wherever the kernel has IPv6, even if it is switched off now.
  const families: readonly Family[] = existsSync('/proc/net/if_inet6') ? ['IPv4', 'IPv6'] : ['IPv4'];
  const made = await makeDataPlanes(
    'iptables',
    families,
    () => null,
    (problem) => printProblems(terminal, [problem]),
  );
  if (!made.ok) {
    printProblems(terminal, [made.problem]);
    return 1;
  }
  const problems = await cleanPlanes(made.value.planes, terminal);
  await made.value.close();
  printProblems(terminal, problems);
  return problems.length === 0 ? 0 : 1;
}

/** Cleans each plane, whatever becomes of the others, says what was removed and gives what failed. */
export async function cleanPlanes(
  planes: readonly Pick<DataPlane, 'family' | 'mode' | 'cleanup'>[],
  terminal: Terminal,
): Promise<readonly Problem[]> {
  const results = await Promise.all(planes.map(async (plane) => ({ plane, result: await plane.cleanup() })));
  return results.flatMap(({ plane, result }) => {
    printRemoved(`${plane.family} ${plane.mode}`, result, terminal);
    return result.ok ? [] : [{ ...result.problem, message: `${plane.family} ${plane.mode}: ${result.problem.message}` }];
  });
}

function printRemoved(name: string, result: Outcome<readonly string[]>, terminal: Terminal): void {
  if (!result.ok) return;
  if (result.value.length === 0) terminal.out(`${name}: nothing of ours was there\n`);
  else terminal.out(`${name}: removed ${result.value.length}\n${result.value.map((removed) => `  ${removed}\n`).join('')}`);
}
