import type { EffectiveConfig } from '../config/mod.ts';
import { families, formatPrefix, isLoopback, prefixContains } from '../model/mod.ts';
import type { Address, Family, Prefix } from '../model/mod.ts';
import { finding } from './check-facts.ts';
import type { Finding, NodeFacts } from './check-facts.ts';
import { dummyInterface } from './predecessors.ts';

/** What of the node's bridges, addresses and firewalls keeps traffic of Services from arriving. */
export function checkNetwork(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  return [
    ...checkBridges(config, facts),
    ...checkRanges(config, facts),
    ...checkForwarding(config, facts),
    ...(config.mode === 'ipvs' ? checkPolicies(facts) : []),
  ];
}

const bridgeSysctls = {
  IPv4: 'net.bridge.bridge-nf-call-iptables',
  IPv6: 'net.bridge.bridge-nf-call-ip6tables',
} as const;

/**
 * Pods on one bridge answer each other past the translation, unless the bridge shows its packets to the packet filter
 * (specification of IPVS, 2.2).
 */
function checkBridges(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_BRIDGE';
  const findings: Finding[] = [];
  for (const family of families) {
    const bridges = facts.bridges.filter(({ name, ports }) => ports > 0 && carriesPods(name, family, config, facts));
    if (bridges.length === 0) continue;
    const names = bridges.map(({ name }) => name).join(', ');
    const name = bridgeSysctls[family];
    const value = facts.sysctls.get(name)?.value;
    if (value === '1')
      findings.push(finding('ok', code, `${family} pods on the bridge ${names} reach each other through Services`));
    else {
      const reason = value === undefined ? 'br_netfilter is not loaded' : `${name} is ${value}`;
      const message = `${family} pods on the bridge ${names} cannot reach each other through Services: ${reason}`;
      findings.push(finding('error', code, message, `modprobe br_netfilter and set ${name}=1, at boot as well`));
    }
  }
  return findings;
}

/** A bridge is the pods' if it has an address of theirs; Docker's and those of virtual machines are not. */
function carriesPods(bridge: string, family: Family, { podDetection }: EffectiveConfig, facts: NodeFacts): boolean {
  if (podDetection.kind === 'interface') return podDetection.name === bridge;
  if (podDetection.kind !== 'cluster-cidr') return false;
  const ranges = podDetection.prefixes.filter((prefix) => prefix.family === family);
  return facts.addresses.some(
    ({ device, address }) => device === bridge && ranges.some((range) => prefixContains(range, address)),
  );
}

/** A client whose own address lies in a range of Services is taken for the node itself and dropped. */
function checkRanges({ serviceCidrs, podDetection, mode }: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_RANGE';
  if (mode !== 'ipvs') return [];
  if (serviceCidrs.length === 0) {
    const message = 'serviceCIDRs is not set: every ClusterIP gets a route of its own, and unallocated ones are not refused';
    return [finding('note', code, message, 'set serviceCIDRs to the ranges of the API server (--service-cluster-ip-range)')];
  }
  const pods = podDetection.kind === 'cluster-cidr' ? podDetection.prefixes : [];
  const inside = (address: Address): Prefix | undefined => serviceCidrs.find((range) => prefixContains(range, address));
  const own = facts.addresses.flatMap(({ device, address }) => {
    const range = device === dummyInterface || isLoopback(address) ? undefined : inside(address);
    if (range === undefined) return [];
    const message = `the address ${address} of ${device} is inside serviceCIDRs ${formatPrefix(range)}: its traffic would be lost`;
    return [finding('error', code, message, 'correct serviceCIDRs, or give the node another address')];
  });
  const overlaps = pods.flatMap((pod) => {
    const range = serviceCidrs.find((each) => doOverlap(each, pod));
    if (range === undefined) return [];
    const message = `clusterCIDR ${formatPrefix(pod)} and serviceCIDRs ${formatPrefix(range)} overlap: pods there would be lost`;
    return [finding('error', code, message, 'correct clusterCIDR or serviceCIDRs')];
  });
  const wrong = [...own, ...overlaps];
  return wrong.length > 0 ? wrong : [finding('ok', code, 'no address of the node and no pod is inside serviceCIDRs')];
}

function doOverlap(a: Prefix, b: Prefix): boolean {
  return prefixContains(a, b.address) || prefixContains(b, a.address);
}

/** In mode ipvs a start sets it, as kube-proxy's does; in the others it is the administrator's or the network plug-in's. */
function checkForwarding({ mode }: EffectiveConfig, { sysctls }: NodeFacts): readonly Finding[] {
  const forward = sysctls.get('net.ipv4.ip_forward');
  if (forward === undefined || forward.value === '1' || (mode === 'ipvs' && forward.writable)) return [];
  const message = 'net.ipv4.ip_forward is 0: packets of pods and from outside are not passed on';
  return [finding('warning', 'WP_CLI_CHECK_FORWARD', message, 'set net.ipv4.ip_forward=1')];
}

/** Requests to a Service pass INPUT and OUTPUT before IPVS takes them, and never FORWARD (specification of IPVS, 2.2). */
function checkPolicies(facts: NodeFacts): readonly Finding[] {
  const places = [...findDropPolicies(facts.chains ?? ''), ...findLegacyDrops(facts.legacyPolicies ?? '')];
  return places.map((place) =>
    finding(
      'warning',
      'WP_CLI_CHECK_POLICY',
      `${place} drops by default: packets to Services are dropped there before IPVS sees them`,
      'accept packets to the ranges of Services there; no rule of ours can overrule a drop of another table',
    ),
  );
}

/** Base chains of the hooks input and output with policy drop, out of what `nft list chains` printed. */
export function findDropPolicies(chains: string): readonly string[] {
  const found: string[] = [];
  let table = '';
  let chain = '';
  for (const line of chains.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\s+chain (\S+) \{/.exec(line)?.[1] ?? chain;
    if (/^\s+type filter hook (?:input|output) .*policy drop;/.test(line)) found.push(`the chain ${chain} of table ${table}`);
  }
  return found;
}

function findLegacyDrops(policies: string): readonly string[] {
  return [...policies.matchAll(/^-P (INPUT|OUTPUT) DROP$/gm)].map(([, name = '']) => `the chain ${name} of iptables-legacy`);
}
