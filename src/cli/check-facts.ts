import { parseAddress } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import type { DnsFacts } from './check-dns.ts';

/** A kernel parameter as it stands; `writable`: this process may change it. */
export interface SysctlFact {
  readonly value: string;
  readonly writable: boolean;
}

/** An address of an interface. */
export interface InterfaceAddress {
  readonly device: string;
  readonly address: Address;
}

/** A bridge with interfaces attached to it. */
export interface BridgeFact {
  readonly name: string;
  readonly ports: number;
}

/** An interface. */
export interface InterfaceFact {
  readonly name: string;
  readonly mtu: number;
  /** As `ip link set alias` gave it; null: none. */
  readonly alias: string | null;
}

/**
 * What `waypost check` knows of a node: texts as kernel and tools print them, so that what is concluded from them can be
 * tested on recorded ones. Null: it could not be read, or is not there. Nothing was changed and no module loaded for it.
 */
export interface NodeFacts {
  /** As `uname -r` says. */
  readonly kernelRelease: string;
  /** `/proc/self/status`. */
  readonly status: string;
  /** `/proc/modules`. */
  readonly loadedModules: string;
  /** `modules.dep` and `modules.builtin` of the running kernel; null where the modules' folder cannot be seen. */
  readonly installedModules: string | null;
  /** `/boot/config-RELEASE`. */
  readonly kernelConfig: string | null;
  /** `/proc/net/ip_vs`; null where the module is not loaded. */
  readonly virtualServers: string | null;
  /** By name; absent where the kernel has none of that name. */
  readonly sysctls: ReadonlyMap<string, SysctlFact>;
  readonly bridges: readonly BridgeFact[];
  readonly interfaces: readonly InterfaceFact[];
  readonly addresses: readonly InterfaceAddress[];
  /** Those of {@link wantedPrograms} that are installed. */
  readonly programs: ReadonlySet<string>;
  /** `nft list chains`. */
  readonly chains: string | null;
  /** `iptables-legacy -S INPUT` and `-S OUTPUT`; null where the legacy tables are not in use. */
  readonly legacyPolicies: string | null;
  /** `iptables-save -t mangle`, of both families. */
  readonly mangleRules: string | null;
  /** `ip rule show` of each family. */
  readonly routingRules: Readonly<Record<Family, string | null>>;
  /** Names of running processes. */
  readonly processes: ReadonlySet<string>;
  /** Where DNS is asked for. */
  readonly dns: DnsFacts | null;
}

export const wantedPrograms = ['ipvsadm', 'nft', 'iptables-restore', 'conntrack', 'ip', 'ipset'] as const;

/** Kernel parameters whose values or absence mean something to the findings. */
export const wantedSysctls = [
  'net.ipv4.vs.conntrack',
  'net.ipv4.vs.expire_nodest_conn',
  'net.ipv4.ip_forward',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.conf.default.rp_filter',
  'net.ipv4.tcp_keepalive_time',
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
] as const;

/** What `ip -oneline address show` printed. */
export function parseInterfaceAddresses(shown: string): readonly InterfaceAddress[] {
  return [...shown.matchAll(/^\d+: (\S+)\s+inet6? ([^\s/]+)/gm)].flatMap(([, device = '', text = '']) => {
    const address = parseAddress(text);
    return address === null ? [] : [{ device, address }];
  });
}

/** How much something stands in the way: `error` means that the mode will not work, `warning` that some traffic may not. */
export type FindingLevel = 'ok' | 'note' | 'warning' | 'error';

export interface Finding {
  readonly level: FindingLevel;
  /** Stable, and the code of the warning that a start logs. */
  readonly code: `WP_CLI_CHECK_${string}`;
  /** One sentence. */
  readonly message: string;
  /** What to do about it, or empty. */
  readonly advice: string;
}

export type FindingCode = Finding['code'];

export function finding(level: FindingLevel, code: FindingCode, message: string, advice = ''): Finding {
  return { level, code, message, advice };
}
