import { familyOf, formatEndpoint, parseAddress } from '../model/mod.ts';
import type { Address, Family, Protocol, ProxyMode } from '../model/mod.ts';

/** What kube-proxy may have left behind, by the mode that makes it. */
export interface Leftovers {
  /** Tables `ip kube-proxy` and `ip6 kube-proxy` (nftables mode). */
  readonly tables: boolean;
  /** `KUBE-*` chains and the jumps to them (iptables and ipvs mode). */
  readonly chains: boolean;
  /** Virtual servers on the addresses of `kube-ipvs0`, and that interface (ipvs mode). */
  readonly servers: boolean;
  /** The `KUBE-*` sets (ipvs mode). */
  readonly sets: boolean;
}

/** Everything, as `waypost cleanup` removes it beside what the data planes clean themselves. */
export const allLeftovers: Leftovers = { tables: true, chains: false, servers: true, sets: true };

/** The interface on which ipvs mode keeps the addresses of Services (specification 14). */
export const dummyInterface = 'kube-ipvs0';

/**
 * What is nobody's any more once our own rules of a mode are in the kernel (specification 10.7). What a mode
 * takes over and goes on using is not named here: the chains of iptables mode. Of the virtual servers a data plane of
 * ours tells which ones it has taken over.
 */
export function leftoversUnder(mode: ProxyMode): Leftovers {
  switch (mode) {
    case 'iptables':
      return { tables: true, chains: false, servers: true, sets: true };
    case 'nftables':
      return { tables: false, chains: true, servers: true, sets: true };
    case 'ipvs':
      return { tables: true, chains: true, servers: true, sets: true };
    default:
      return mode satisfies never;
  }
}

/** The sets of ipvs mode (specification 11.5). */
const setNames = [
  'LOOP-BACK',
  'CLUSTER-IP',
  'EXTERNAL-IP',
  'EXTERNAL-IP-LOCAL',
  'LOAD-BALANCER',
  'LOAD-BALANCER-FW',
  'LOAD-BALANCER-LOCAL',
  'LOAD-BALANCER-SOURCE-IP',
  'LOAD-BALANCER-SOURCE-CIDR',
  'NODE-PORT-TCP',
  'NODE-PORT-LOCAL-TCP',
  'NODE-PORT-UDP',
  'NODE-PORT-LOCAL-UDP',
  'HEALTH-CHECK-NODE-PORT',
  'NODE-PORT-SCTP-HASH',
  'NODE-PORT-LOCAL-SCTP-HASH',
  'IPVS-IPS',
] as const;

/** IPSET_MAXNAMELEN without the end of the text. */
const longestSetName = 31;

/** kube-proxy's sets of a family among the names that `ipset list -name` printed. */
export function findSets(listed: string, family: Family): readonly string[] {
  const prefix = family === 'IPv4' ? 'KUBE-' : 'KUBE-6-';
  const ours = new Set(setNames.map((name) => `${prefix}${name}`.slice(0, longestSetName)));
  return listed.split('\n').filter((name) => ours.has(name));
}

/** The addresses that `ip -oneline address show` printed. */
export function parseAddresses(shown: string): readonly Address[] {
  const found = [...shown.matchAll(/\sinet6? (\S+?)(?:\/\d+)?\s/g)].map(([, text = '']) => parseAddress(text));
  return found.filter((address) => address !== null);
}

/** A virtual server by the words that `ipvsadm` takes: `-t`, `192.0.2.1:80`. */
export interface VirtualServer {
  readonly option: string;
  readonly place: string;
  /** The same as our data planes write it: `TCP 192.0.2.1:80`, `UDP [fd00::1]:53`. */
  readonly key: string;
}

const protocolOfOption: Readonly<Record<string, Protocol>> = { '-t': 'TCP', '-u': 'UDP', '--sctp-service': 'SCTP' };

/**
 * The virtual servers of a family on one of the addresses, out of what `ipvsadm --save -n` printed. Any other
 * may be another program's: those on node addresses and those chosen by a firewall mark.
 */
export function findVirtualServers(saved: string, addresses: readonly Address[], family: Family): readonly VirtualServer[] {
  const wanted = new Set(addresses.filter((address) => familyOf(address) === family));
  return saved.split('\n').flatMap((line) => {
    const [, option = '', place = '', host = '', port = ''] =
      /^-A (-[tu]|--sctp-service) (\[?([0-9a-fA-F.:]+?)\]?:(\d+))(?:\s|$)/.exec(line) ?? [];
    const address = parseAddress(host);
    if (address === null || !wanted.has(address)) return [];
    return [{ option, place, key: `${protocolOfOption[option] ?? ''} ${formatEndpoint(address, Number(port))}` }];
  });
}

/** True where a tool's complaint means that the kernel does not have what it asks for, so nothing can be left of it. */
export function saysNothingThere(complaint: string): boolean {
  return /No such (?:file or directory|service)|does not exist|Cannot find device|not supported|Cannot open session to kernel|Protocol not available/.test(
    complaint,
  );
}
