import type { EffectiveConfig } from '../config/mod.ts';
import { parsePrefix, prefixContains } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';

/** What of the machine decides about kernel parameters. */
export interface MachineFacts {
  /** CPUs that are online, whatever the container may use. */
  readonly cpus: number;
  /** As `uname -r` says: `6.1.0-31-amd64`. */
  readonly kernelRelease: string;
}

/** A kernel parameter and the value it is to have. */
export interface SysctlWish {
  /** As an operator calls it: `net.netfilter.nf_conntrack_max`. */
  readonly name: string;
  readonly path: string;
  readonly value: number;
  /** `at-least`: a greater value is left alone. */
  readonly rule: 'exactly' | 'at-least';
  /** What to do where it cannot be set, to follow the reason; or empty. */
  readonly advice: string;
}

/** The kernel cannot track more; a greater wish is cut, even that of `conntrack.min` (specification 6.3). */
const mostConnections = 1_048_576;

/**
 * Every parameter that is to be set before the first rule (specification 9.7). In ipvs mode the data plane sets its own, because it remembers what they were and puts that back; `init` sets them too, for a later run that may not.
 */
export function planSysctls(config: EffectiveConfig, facts: MachineFacts, purpose: 'run' | 'init'): readonly SysctlWish[] {
  return [...planConntrack(config, facts.cpus), ...planMode(config, facts.kernelRelease, purpose)];
}

/** The limit of tracked connections, or null where it is to be left alone. */
export function connectionLimit(maxPerCore: number, min: number, cpus: number): number | null {
  if (maxPerCore === 0) return null;
  return Math.min(mostConnections, Math.max(min, maxPerCore * cpus));
}

/** How many CPUs a list like `0-3,6` names (`/sys/devices/system/cpu/online`); 0 where it is no such list. */
export function countCpus(list: string): number {
  let count = 0;
  for (const part of list.trim().split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) return 0;
    count += Number(last) - Number(first) + 1;
  }
  return count;
}

function planConntrack({ settings }: EffectiveConfig, cpus: number): readonly SysctlWish[] {
  const limit = connectionLimit(settings['conntrack.maxPerCore'], settings['conntrack.min'], cpus);
  const seconds = (name: string, milliseconds: number): SysctlWish[] => {
    const value = Math.floor(milliseconds / 1000);
    return value > 0 ? [sysctl(`net.netfilter.${name}`, value)] : [];
  };
  return [
    ...(limit === null ? [] : planLimit(limit)),
    ...seconds('nf_conntrack_tcp_timeout_established', settings['conntrack.tcpEstablishedTimeout']),
    ...seconds('nf_conntrack_tcp_timeout_close_wait', settings['conntrack.tcpCloseWaitTimeout']),
    ...(settings['conntrack.tcpBeLiberal'] ? [sysctl('net.netfilter.nf_conntrack_tcp_be_liberal', 1)] : []),
    ...seconds('nf_conntrack_udp_timeout', settings['conntrack.udpTimeout']),
    ...seconds('nf_conntrack_udp_timeout_stream', settings['conntrack.udpStreamTimeout']),
  ];
}

/** A table of few buckets makes long lists of many connections: a fourth of the limit is the kernel's own ratio. */
function planLimit(limit: number): readonly SysctlWish[] {
  const advice =
    'only the first network namespace of a machine may set it: elsewhere (kind, a container without hostNetwork) set conntrack.maxPerCore: 0';
  return [
    sysctl('net.netfilter.nf_conntrack_max', limit, advice),
    {
      name: 'nf_conntrack hashsize',
      path: '/sys/module/nf_conntrack/parameters/hashsize',
      value: Math.floor(limit / 4),
      rule: 'at-least',
      advice,
    },
  ];
}

function planMode(config: EffectiveConfig, kernelRelease: string, purpose: 'run' | 'init'): readonly SysctlWish[] {
  switch (config.mode) {
    case 'iptables':
      return servesLoopback(config) ? [sysctl('net.ipv4.conf.all.route_localnet', 1)] : [];
    case 'ipvs':
      return purpose === 'init' ? planIpvs(config, kernelRelease) : [];
    case 'nftables':
      return [];
    default:
      return config.mode satisfies never;
  }
}

function planIpvs(config: EffectiveConfig, kernelRelease: string): readonly SysctlWish[] {
  const advice = 'mode ipvs needs the kernel module ip_vs (modprobe ip_vs)';
  return [
    sysctl('net.ipv4.ip_forward', 1),
    ...(servesLoopback(config) ? [sysctl('net.ipv4.conf.all.route_localnet', 1)] : []),
    sysctl('net.ipv4.vs.conntrack', 1, advice),
    ...(reuseHarms(kernelRelease) ? [sysctl('net.ipv4.vs.conn_reuse_mode', 0, advice)] : []),
    sysctl('net.ipv4.vs.expire_nodest_conn', 1, advice),
    sysctl('net.ipv4.vs.expire_quiescent_template', 1, advice),
    ...(config.ipvs.strictArp ? [sysctl('net.ipv4.conf.all.arp_ignore', 1), sysctl('net.ipv4.conf.all.arp_announce', 2)] : []),
  ];
}

/** From 4.1 to 5.8 a reused client port costs a second or a wrong server; from 5.9 on the kernel does it right. */
function reuseHarms(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  const isAtLeast = (a: number, b: number): boolean => major > a || (major === a && minor >= b);
  return isAtLeast(4, 1) && !isAtLeast(5, 9);
}

/** Node ports on 127.0.0.1 leave the loopback interface after translation (specification 2.1). */
function servesLoopback({ localhostNodePorts, nodePorts }: EffectiveConfig): boolean {
  if (!localhostNodePorts || nodePorts.kind === 'primary') return false;
  const ofFamily = nodePorts.kind === 'all' ? [] : nodePorts.prefixes.filter(({ family }) => family === 'IPv4');
  const loopback = parsePrefix('127.0.0.0/8');
  return (
    ofFamily.length === 0 ||
    ofFamily.some(
      (prefix) =>
        prefixContains(prefix, '127.0.0.1' as Address) || (loopback !== null && prefixContains(loopback, prefix.address)),
    )
  );
}

function sysctl(name: string, value: number, advice = ''): SysctlWish {
  return { name, path: `/proc/sys/${name.replaceAll('.', '/')}`, value, rule: 'exactly', advice };
}
