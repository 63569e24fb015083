import type { EffectiveConfig } from '../config/mod.ts';
import { findMissingCapabilities } from './capabilities.ts';
import { finding } from './check-facts.ts';
import type { Finding, FindingCode, NodeFacts } from './check-facts.ts';

/** What the kernel, its modules and the installed programs can do for the mode. */
export function checkKernel(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  const { mode, ipvs, nftablesDriver } = config;
  const missing = findMissingCapabilities(facts.status).fatal;
  const common = missing.map(({ message }) => finding('error', 'WP_CLI_CHECK_CAPABILITY', message));
  switch (mode) {
    case 'iptables':
      return [...common, needProgram(facts, 'iptables-restore', 'mode iptables')];
    case 'nftables':
      return [...common, ...checkNftables(facts, nftablesDriver)];
    case 'ipvs':
      return [
        ...common,
        needModule(facts, 'ip_vs', 'WP_CLI_CHECK_IPVS', 'mode ipvs'),
        needModule(facts, schedulerModule(ipvs.scheduler), 'WP_CLI_CHECK_SCHEDULER', `ipvs.scheduler ${ipvs.scheduler}`),
        checkTracking(facts),
        ...checkReuse(facts.kernelRelease),
        ...checkNftables(facts, nftablesDriver),
        ...(ipvs.driver === 'exec' ? [needProgram(facts, 'ipvsadm', 'ipvs.driver exec')] : []),
      ];
    default:
      return mode satisfies never;
  }
}

export type ModuleState = 'loaded' | 'installed' | 'absent' | 'unknown';

/** Whether the kernel has a module, by the texts of `/proc/modules`, `modules.dep` and `modules.builtin`. */
export function findModule(name: string, facts: Pick<NodeFacts, 'loadedModules' | 'installedModules'>): ModuleState {
  if (facts.loadedModules.split('\n').some((line) => line.startsWith(`${name} `))) return 'loaded';
  if (facts.installedModules === null) return 'unknown';
  // modules.dep has `kernel/net/netfilter/ipvs/ip_vs.ko.xz: ...`, modules.builtin only the path.
  return new RegExp(`(?:^|/)${name}\\.ko(?:\\.\\w+)?(?::|$)`, 'm').test(facts.installedModules) ? 'installed' : 'absent';
}

/** The kernel's name of a scheduler's module: `ip_vs_rr`. */
function schedulerModule(scheduler: string): string {
  return `ip_vs_${scheduler}`;
}

function needModule(facts: NodeFacts, name: string, code: FindingCode, who: string): Finding {
  switch (findModule(name, facts)) {
    case 'loaded':
      return finding('ok', code, `the kernel module ${name} is loaded`);
    case 'installed':
      return finding('ok', code, `the kernel has the module ${name} and loads it when it is asked for`);
    case 'absent':
      return finding(
        'error',
        code,
        `kernel ${facts.kernelRelease} has no module ${name}, which ${who} needs`,
        `install the kernel's package of extra modules, or choose another ${name === 'ip_vs' ? 'mode' : 'ipvs.scheduler'}`,
      );
    case 'unknown':
      return finding(
        'warning',
        code,
        `whether kernel ${facts.kernelRelease} has the module ${name} cannot be seen from here`,
        `mount /lib/modules of the host, or run modprobe ${name} on it`,
      );
  }
}

/** Without it no rule about source addresses sees a packet of IPVS (specification of IPVS, 5). */
function checkTracking({ sysctls, kernelConfig, virtualServers }: NodeFacts): Finding {
  const code = 'WP_CLI_CHECK_CONNTRACK';
  const needed = 'net.ipv4.vs.conntrack is needed to rewrite source addresses';
  const found = sysctls.get('net.ipv4.vs.conntrack');
  if (found !== undefined) {
    if (found.value === '1') return finding('ok', code, 'net.ipv4.vs.conntrack is 1');
    if (found.writable) return finding('ok', code, 'net.ipv4.vs.conntrack can be set, and a start sets it');
    return finding(
      'error',
      code,
      `${needed}, and this process may not set it`,
      'run waypost run --init-only with privileges first',
    );
  }
  if (virtualServers !== null || kernelConfig?.includes('# CONFIG_IP_VS_NFCT is not set') === true) {
    return finding(
      'error',
      code,
      `${needed}, and this kernel is built without it`,
      'use a kernel with CONFIG_IP_VS_NFCT, or another mode',
    );
  }
  return finding('note', code, 'net.ipv4.vs.conntrack exists only once ip_vs is loaded: a start looks for it');
}

/** Reuse of a client's port is right from 5.9 on (specification of IPVS, 8). */
function checkReuse(kernelRelease: string): readonly Finding[] {
  if (isAtLeast(kernelRelease, 5, 9)) return [];
  const message = `kernel ${kernelRelease} is older than 5.9: a client that reuses its port may reach an endpoint that has gone`;
  return [finding('warning', 'WP_CLI_CHECK_REUSE', message, 'update the kernel')];
}

function checkNftables(facts: NodeFacts, driver: 'netlink' | 'exec'): readonly Finding[] {
  const code = 'WP_CLI_CHECK_NFTABLES';
  const old = isAtLeast(facts.kernelRelease, 5, 13)
    ? []
    : [
        finding(
          'error',
          code,
          `kernel ${facts.kernelRelease} is older than 5.13, which nftables needs here`,
          'update the kernel',
        ),
      ];
  const state: Finding =
    facts.chains === null
      ? needModule(facts, 'nf_tables', code, 'the packet filter of this mode')
      : finding('ok', code, 'nf_tables answers');
  return [state, ...old, ...(driver === 'exec' ? [needProgram(facts, 'nft', 'nftables.driver exec')] : [])];
}

function needProgram({ programs }: NodeFacts, name: string, who: string): Finding {
  const code = 'WP_CLI_CHECK_PROGRAM';
  if (programs.has(name)) return finding('ok', code, `the program ${name} is installed`);
  return finding('error', code, `the program ${name} is not installed, and ${who} needs it`, `install ${name}`);
}

function isAtLeast(release: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}
