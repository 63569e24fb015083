import { readFile } from 'node:fs/promises';
import type { EffectiveConfig } from '../config/mod.ts';
import { createShell } from '../iptables/mod.ts';
import type { Shell } from '../iptables/mod.ts';
import type { Family } from '../model/mod.ts';
import type { SysctlFact } from './check-facts.ts';
import { gatherNodeFacts, readParameter } from './driver-check.ts';
import { readSockets } from './driver-check-dns.ts';
import { readMachineFacts } from './driver-sysctl.ts';
import type { KubeProxyFacts } from './kube-proxy-facts.ts';
import type { MigrationFacts } from './migrate-facts.ts';
import { planSysctls } from './plan-sysctls.ts';
import type { MachineFacts } from './plan-sysctls.ts';

const timeoutSeconds = 20;
const maxOutputBytes = 64 * 1024 * 1024;

type Ask = (...argv: readonly string[]) => Promise<string | null>;

/**
 * Looks at what a kube-proxy has in the kernel of this network namespace. `configs`: whose kernel parameters are of
 * interest. Changes nothing and loads no module.
 */
export async function gatherMigrationFacts(
  kubeProxy: KubeProxyFacts,
  configs: readonly EffectiveConfig[],
  shell: Shell = createShell(),
): Promise<MigrationFacts> {
  const ask: Ask = async (...argv) => {
    const result = await shell.run({ argv, input: null, timeoutSeconds, maxOutputBytes });
    return result.kind === 'exit' && result.status === 0 ? result.stdout : null;
  };
  const machine = await readMachineFacts();
  const listed = (await ask('nft', 'list', 'tables')) ?? '';
  const facts = {
    kubeProxy,
    machine,
    rules: { IPv4: await readRules(ask, 'IPv4', listed), IPv6: await readRules(ask, 'IPv6', listed) },
    tables: { IPv4: await readTable(ask, 'ip', listed), IPv6: await readTable(ask, 'ip6', listed) },
    // With no module there is no set, and asking would load it.
    sets: (await hasModule('ip_set')) ? ((await ask('ipset', 'list', '-name')) ?? '') : '',
    sockets: [...(await readSockets('tcp', 'TCP')), ...(await readSockets('tcp6', 'TCP'))],
    parameters: await readParameters(configs, machine),
  };
  return { ...facts, node: await gatherNodeFacts(shell) };
}

/** Tools of either variant make the tables that they are asked for: only tables that are in use are. */
async function readRules(ask: Ask, family: Family, listed: string): Promise<string> {
  const [word, prefix, names] =
    family === 'IPv4'
      ? (['ip', 'iptables', '/proc/net/ip_tables_names'] as const)
      : (['ip6', 'ip6tables', '/proc/net/ip6_tables_names'] as const);
  const legacy = (await readFile(names, 'utf8').catch(() => '')).split('\n');
  const texts: string[] = [];
  for (const table of ['filter', 'nat']) {
    if (new RegExp(`^table ${word} ${table}$`, 'm').test(listed))
      texts.push((await ask(`${prefix}-nft-save`, '-t', table)) ?? '');
    if (legacy.includes(table)) texts.push((await ask(`${prefix}-legacy-save`, '-t', table)) ?? '');
  }
  return texts.join('\n');
}

async function readTable(ask: Ask, word: 'ip' | 'ip6', listed: string): Promise<string | null> {
  if (!new RegExp(`^table ${word} kube-proxy$`, 'm').test(listed)) return null;
  return await ask('nft', 'list', 'table', word, 'kube-proxy');
}

async function hasModule(name: string): Promise<boolean> {
  const loaded = await readFile('/proc/modules', 'utf8').catch(() => '');
  const builtIn = await readParameter(`/sys/module/${name}/parameters/max_sets`);
  return builtIn !== null || loaded.split('\n').some((line) => line.startsWith(`${name} `));
}

async function readParameters(
  configs: readonly EffectiveConfig[],
  machine: MachineFacts,
): Promise<ReadonlyMap<string, SysctlFact>> {
  const found = new Map<string, SysctlFact>();
  for (const { path } of configs.flatMap((config) => planSysctls(config, machine, 'init'))) {
    const fact = await readParameter(path);
    if (fact !== null) found.set(path, fact);
  }
  return found;
}
