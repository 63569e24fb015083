import { createHash } from 'node:crypto';
import type { Family, Protocol } from '../model/mod.ts';
import type { TableName, TransportName } from './rule.ts';

/** The tables this room writes. */
export const ownTables: readonly TableName[] = ['filter', 'nat', 'mangle'];

/** Chains other software jumps to or looks for (specification 14), and the roots of dispatch. */
export const chainNames = {
  services: 'KUBE-SERVICES',
  nodePorts: 'KUBE-NODEPORTS',
  externalServices: 'KUBE-EXTERNAL-SERVICES',
  externalNodePorts: 'KUBE-EXTERNAL-NODEPORTS',
  firewall: 'KUBE-PROXY-FIREWALL',
  forward: 'KUBE-FORWARD',
  markMasquerade: 'KUBE-MARK-MASQ',
  postrouting: 'KUBE-POSTROUTING',
  canary: 'KUBE-PROXY-CANARY',
  serviceIps: 'KUBE-SVC-IP',
  externalIps: 'KUBE-EXT-IP',
  closed: 'KUBE-FW-CLOSED',
  /** Shared with kubelet: rules are added to it, never removed. */
  hostFirewall: 'KUBE-FIREWALL',
} as const;

/**
 * Beginnings of the chain names that this room or kube-proxy makes per Service, endpoint or bucket.
 * kube-proxy deletes stale nat chains by the same list, so going back to it leaves none of ours there.
 */
const volatilePrefixes = ['KUBE-SVC-', 'KUBE-SVL-', 'KUBE-SEP-', 'KUBE-EXT-', 'KUBE-FW-', 'KUBE-XLB-'];

/** What kube-proxy's ipvs mode has besides. Its filter refuses at INPUT what is for an address of a Service: it must not outlive it. */
export const ipvsModeChains = [
  'KUBE-NODE-PORT',
  'KUBE-LOAD-BALANCER',
  'KUBE-SOURCE-RANGES-FIREWALL',
  'KUBE-IPVS-FILTER',
  'KUBE-IPVS-OUT-FILTER',
] as const;

const fixedChains: ReadonlySet<string> = new Set([
  ...Object.values(chainNames).filter((name) => name !== chainNames.hostFirewall),
  ...ipvsModeChains,
]);

/** True for chains that may be rewritten and removed by this room: ours, and kube-proxy's, which we take over. */
export function isOwnChain(chain: string): boolean {
  return fixedChains.has(chain) || volatilePrefixes.some((prefix) => chain.startsWith(prefix));
}

/** What a per-Service chain holds: the cluster-wide pool, the pool of this node, or only a policy. */
export type ServiceChainRole = 'SVC' | 'SVL' | 'EXT';

/**
 * Name of a chain of a service port (`namespace/name:port/protocol`). The hash is kube-proxy's, so its
 * chains are taken over in place.
 */
export function serviceChainName(role: ServiceChainRole, servicePort: string): string {
  if (lastHashed.servicePort !== servicePort) lastHashed = { servicePort, hash: hashName(kubeProxyName(servicePort)) };
  return `KUBE-${role}-${lastHashed.hash}`;
}

/** A plan asks for the names of one service port many times over, and hashing is most of what that costs. */
let lastHashed = { servicePort: '', hash: '' };

/** Beginning of the names of our ipsets. */
const setPrefix: Readonly<Record<Family, string>> = { IPv4: 'WAYPOST-4-', IPv6: 'WAYPOST-6-' };

/** Name of the ipset that remembers the clients of one back end. A set holds addresses of one family. */
export function affinitySetName(family: Family, servicePort: string, endpoint: string): string {
  return setPrefix[family] + hashName(kubeProxyName(servicePort) + endpoint);
}

export function isOwnSet(family: Family, name: string): boolean {
  return name.startsWith(setPrefix[family]);
}

/** Name of the `recent` list that remembers the clients of one back end; kube-proxy's as well. */
export function affinityListName(servicePort: string, endpoint: string): string {
  return `KUBE-SEP-${hashName(kubeProxyName(servicePort) + endpoint)}`;
}

export function transportName(protocol: Protocol): TransportName {
  return protocol.toLowerCase() as TransportName;
}

/** `ns/name:port/TCP` to `ns/name:porttcp`, the text kube-proxy hashes; an unnamed port has no colon. */
function kubeProxyName(servicePort: string): string {
  const slash = servicePort.lastIndexOf('/');
  const name = servicePort.slice(0, slash);
  const protocol = servicePort.slice(slash + 1).toLowerCase();
  return (name.endsWith(':') ? name.slice(0, -1) : name) + protocol;
}

/** The first 16 characters of the SHA-256 in base 32 (RFC 4648): 80 bits. */
function hashName(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = digest.readUIntBE(0, 5);
  let rest = digest.readUIntBE(5, 5);
  let high = '';
  let low = '';
  for (let at = 0; at < 8; at += 1) {
    high = alphabet[bits % 32] + high;
    low = alphabet[rest % 32] + low;
    bits = Math.floor(bits / 32);
    rest = Math.floor(rest / 32);
  }
  return high + low;
}
