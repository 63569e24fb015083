import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Shell } from '../iptables/mod.ts';
import type { DataPlane, Family, Neighbour, Outcome, Problem, ProxyMode } from '../model/mod.ts';
import { findMissingCapabilities } from './capabilities.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/**
 * `waypost cleanup`: removes everything of ours and of any mode of kube-proxy in both families from the kernel,
 * without an API server. Where a kube-proxy runs on the node its rules are no leftovers, and stay. Gives the exit code: not
 * 0 if anything may be left.
 */
export async function runCleanup(terminal: Terminal): Promise<number> {
  const missing = findMissingCapabilities(await readFile('/proc/self/status', 'utf8'));
  if (missing.fatal.length > 0) {
    printProblems(terminal, missing.fatal);
    return 1;
  }
  // The list of interfaces is there wherever the kernel has IPv6, even if it is switched off now.
  const families: readonly Family[] = existsSync('/proc/net/if_inet6') ? ['IPv4', 'IPv6'] : ['IPv4'];
  const { createShell } = await import('../iptables/mod.ts');
  const shell = createShell();
  const neighbour = await findNeighbour(shell, terminal);
  // Chains first: a set that a rule names cannot be removed.
  const problems = [
    ...(await cleanOwn(families, neighbour, terminal)),
    ...(await cleanTunnels(families, terminal)),
    ...(await cleanResolver(families, terminal)),
    ...(neighbour === null ? await cleanLeftovers(shell, families, terminal) : []),
  ];
  await shell.close();
  printProblems(terminal, problems);
  return problems.length === 0 ? 0 : 1;
}

/** Of all modes, whichever runs now: servers before the filter that guards them, chains last. */
const cleanedModes: readonly ProxyMode[] = ['ipvs', 'nftables', 'iptables'];

/** Where a kernel or its tool lacks what a mode is made of, nothing can have been made of it. */
const absent: ReadonlySet<string> = new Set(['WP_IPVS_MISSING', 'WP_NFT_MISSING', 'WP_NFT_NO_KERNEL']);

/** The kube-proxy that runs here, if there is one; says so. */
async function findNeighbour(shell: Shell, terminal: Terminal): Promise<Neighbour | null> {
  const [{ findKubeProxy }, { isRunning, modeOf, nameRunning }, { readProxyAddresses }] = await Promise.all([
    import('./driver-kube-proxy.ts'),
    import('./kube-proxy-facts.ts'),
    import('./driver-predecessors.ts'),
  ]);
  const found = await findKubeProxy();
  if (!isRunning(found)) return null;
  const mode = modeOf(found);
  terminal.out(`kube-proxy runs on this node (${nameRunning(found)}, mode ${mode ?? 'unknown'}): what it has written stays\n`);
  return { addresses: new Set(mode === null || mode === 'ipvs' ? await readProxyAddresses(shell) : []) };
}

async function cleanOwn(
  families: readonly Family[],
  neighbour: Neighbour | null,
  terminal: Terminal,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const mode of cleanedModes) {
    // Asking for virtual servers would load the module on a machine that has never used it.
    if (mode === 'ipvs' && !existsSync('/proc/net/ip_vs')) continue;
    problems.push(...(await cleanMode(mode, families, neighbour, terminal)));
  }
  return problems;
}

async function cleanMode(
  mode: ProxyMode,
  families: readonly Family[],
  neighbour: Neighbour | null,
  terminal: Terminal,
): Promise<readonly Problem[]> {
  const [{ makeDataPlanes }, { makeConfig }] = await Promise.all([import('./make-data-planes.ts'), import('../config/mod.ts')]);
  // What is ours says so itself: no setting of the agent that made it is needed.
  const defaults = makeConfig(new Map(), null);
  if (!defaults.ok) return defaults.problems;
  const made = await makeDataPlanes({
    mode,
    config: defaults.config,
    families,
    pause: () => null,
    degraded: (problem) => printProblems(terminal, [problem]),
  });
  if (!made.ok) return absent.has(made.problem.code) ? [] : [made.problem];
  const problems = await cleanPlanes(made.value.planes, neighbour, terminal);
  await made.value.close();
  return problems;
}

/** The receiving ends of direct return, which say themselves that they are ours. */
async function cleanTunnels(families: readonly Family[], terminal: Terminal): Promise<readonly Problem[]> {
  const { removeTunnels } = await import('./remove-tunnels.ts');
  const problems: Problem[] = [];
  for (const family of families) {
    const removed = await removeTunnels(family);
    printRemoved(`${family} tunnels`, removed, terminal);
    if (!removed.ok) problems.push({ ...removed.problem, message: `${family} tunnels: ${removed.problem.message}` });
  }
  return problems;
}

async function cleanResolver(families: readonly Family[], terminal: Terminal): Promise<readonly Problem[]> {
  const { cleanDns } = await import('./clean-dns.ts');
  const { removed, problems } = await cleanDns(families);
  printRemoved('DNS', { ok: true, value: removed }, terminal);
  return problems.map((problem) => ({ ...problem, message: `DNS: ${problem.message}` }));
}

/** Removes what kube-proxy in nftables and ipvs mode makes, says what was removed and gives what failed. */
async function cleanLeftovers(shell: Shell, families: readonly Family[], terminal: Terminal): Promise<readonly Problem[]> {
  const [{ removeLeftovers }, { allLeftovers }] = await Promise.all([
    import('./driver-predecessors.ts'),
    import('./predecessors.ts'),
  ]);
  const problems: Problem[] = [];
  for (const [index, family] of families.entries()) {
    const done = await removeLeftovers(shell, allLeftovers, family, index === families.length - 1);
    printRemoved(`${family} nftables and ipvs`, { ok: true, value: done.removed }, terminal);
    problems.push(...done.problems);
  }
  return problems;
}

/** Cleans each plane, whatever becomes of the others, says what was removed and gives what failed. */
export async function cleanPlanes(
  planes: readonly Pick<DataPlane, 'family' | 'mode' | 'cleanup'>[],
  neighbour: Neighbour | null,
  terminal: Terminal,
): Promise<readonly Problem[]> {
  const results = await Promise.all(planes.map(async (plane) => ({ plane, result: await plane.cleanup(neighbour) })));
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
