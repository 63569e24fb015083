import { constants } from 'node:fs';
import { access, readFile, readdir } from 'node:fs/promises';
import { release } from 'node:os';
import type { DnsChoices } from '../config/mod.ts';
import { createShell } from '../iptables/mod.ts';
import type { Shell } from '../iptables/mod.ts';
import { parseInterfaceAddresses, wantedPrograms, wantedSysctls } from './check-facts.ts';
import type { BridgeFact, InterfaceFact, NodeFacts, SysctlFact } from './check-facts.ts';
import { gatherDnsFacts } from './driver-check-dns.ts';

const timeoutSeconds = 20;
const maxOutputBytes = 16 * 1024 * 1024;

/** Looks at this node. Changes nothing, loads no module, and takes what cannot be read for absent. `dns`: for that, too. */
export async function gatherNodeFacts(shell: Shell = createShell(), dns: DnsChoices | null = null): Promise<NodeFacts> {
  const kernelRelease = release();
  const modules = await Promise.all(
    ['modules.dep', 'modules.builtin'].map((name) => readOrNull(`/lib/modules/${kernelRelease}/${name}`)),
  );
  const programs = await findPrograms();
  const texts = await askTools(shell, programs);
  await shell.close();
  return {
    kernelRelease,
    status: (await readOrNull('/proc/self/status')) ?? '',
    loadedModules: (await readOrNull('/proc/modules')) ?? '',
    installedModules: modules.every((text) => text === null) ? null : modules.map((text) => text ?? '').join('\n'),
    kernelConfig: await readOrNull(`/boot/config-${kernelRelease}`),
    virtualServers: await readOrNull('/proc/net/ip_vs'),
    sysctls: await readSysctls(),
    bridges: await findBridges(),
    interfaces: await findInterfaces(),
    programs,
    processes: await listProcesses(),
    dns: dns === null ? null : await gatherDnsFacts(dns),
    ...texts,
  };
}

type ToolTexts = Pick<NodeFacts, 'addresses' | 'chains' | 'legacyPolicies' | 'mangleRules' | 'routingRules'>;

async function askTools(shell: Shell, programs: ReadonlySet<string>): Promise<ToolTexts> {
  const ask = async (...argv: readonly string[]): Promise<string | null> => {
    const result = await shell.run({ argv, input: null, timeoutSeconds, maxOutputBytes });
    return result.kind === 'exit' && result.status === 0 ? result.stdout : null;
  };
  // The legacy tools load the modules of tables that nobody has used yet.
  const legacyTables = (await readOrNull('/proc/net/ip_tables_names')) ?? '';
  const chains = await ask('nft', 'list', 'chains');
  const legacy = legacyTables.split('\n').includes('filter')
    ? `${(await ask('iptables-legacy', '-S', 'INPUT')) ?? ''}${(await ask('iptables-legacy', '-S', 'OUTPUT')) ?? ''}`
    : null;
  const usesMangle = /^table ip6? mangle \{/m.test(chains ?? '');
  const mangle = [
    usesMangle ? await ask('iptables-nft-save', '-t', 'mangle') : null,
    usesMangle ? await ask('ip6tables-nft-save', '-t', 'mangle') : null,
    legacyTables.split('\n').includes('mangle') ? await ask('iptables-legacy-save', '-t', 'mangle') : null,
  ].filter((text) => text !== null);
  const rules = async (option: string): Promise<string | null> =>
    programs.has('ip') ? await ask('ip', option, 'rule', 'show') : null;
  // Node's own list leaves out interfaces that are down, as kube-ipvs0 is.
  const shown = (await ask('ip', '-oneline', 'address', 'show')) ?? '';
  return {
    addresses: parseInterfaceAddresses(shown),
    chains,
    legacyPolicies: legacy,
    mangleRules: mangle.length === 0 ? null : mangle.join('\n'),
    routingRules: { IPv4: await rules('-4'), IPv6: await rules('-6') },
  };
}

async function readSysctls(): Promise<ReadonlyMap<string, SysctlFact>> {
  const found = new Map<string, SysctlFact>();
  for (const name of wantedSysctls) {
    const fact = await readParameter(`/proc/sys/${name.replaceAll('.', '/')}`);
    if (fact !== null) found.set(name, fact);
  }
  return found;
}

/** A kernel parameter by the path of its file; null where there is none. */
export async function readParameter(path: string): Promise<SysctlFact | null> {
  const value = await readOrNull(path);
  return value === null ? null : { value: value.trim(), writable: await isAccessible(path, constants.W_OK) };
}

async function findBridges(): Promise<readonly BridgeFact[]> {
  const bridges: BridgeFact[] = [];
  for (const name of await listOrEmpty('/sys/class/net')) {
    if (!(await isAccessible(`/sys/class/net/${name}/bridge`, constants.F_OK))) continue;
    bridges.push({ name, ports: (await listOrEmpty(`/sys/class/net/${name}/brif`)).length });
  }
  return bridges;
}

async function findInterfaces(): Promise<readonly InterfaceFact[]> {
  const interfaces: InterfaceFact[] = [];
  for (const name of await listOrEmpty('/sys/class/net')) {
    const folder = `/sys/class/net/${name}`;
    const alias = ((await readOrNull(`${folder}/ifalias`)) ?? '').trim();
    const mtu = Number((await readOrNull(`${folder}/mtu`)) ?? '0');
    interfaces.push({ name, mtu, alias: alias === '' ? null : alias });
  }
  return interfaces;
}

async function findPrograms(): Promise<ReadonlySet<string>> {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const found = new Set<string>();
  for (const name of wantedPrograms) {
    const places = await Promise.all(folders.map((folder) => isAccessible(`${folder}/${name}`, constants.X_OK)));
    if (places.includes(true)) found.add(name);
  }
  return found;
}

async function listProcesses(): Promise<ReadonlySet<string>> {
  const ids = (await listOrEmpty('/proc')).filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(ids.map((id) => readOrNull(`/proc/${id}/comm`)));
  return new Set(names.flatMap((name) => (name === null ? [] : [name.trim()])));
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}

async function listOrEmpty(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch {
    return [];
  }
}

async function isAccessible(path: string, how: number): Promise<boolean> {
  try {
    await access(path, how);
    return true;
  } catch {
    return false;
  }
}
