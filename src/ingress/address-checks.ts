import { isLoopback, parsePrefix } from '../model/mod.ts';
import type { Address, FrontendKind, NodeRecord } from '../model/mod.ts';
import { collectPrefixes } from './prefix-set.ts';
import type { PublisherFacts, PublisherSettings } from './publisher-settings.ts';

/** Says why an address must not be published, as the end of a sentence, or null. */
export type JudgeAddress = (address: Address, kind: FrontendKind) => string | null;

/** Unspecified, link-local and multicast addresses, which no client can be sent to. */
const unusable = collectPrefixes(
  ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/128', 'fe80::/10', 'ff00::/8']
    .map(parsePrefix)
    .filter((prefix) => prefix !== null),
);

/**
 * Addresses that a Service may not take (specification of ingress, 4 and 12): whoever may write a Service must not be able
 * to draw the traffic of a node, the API server, a pod or another Service to itself.
 */
export function judgeAddresses(settings: PublisherSettings, facts: PublisherFacts): JudgeAddress {
  const own = new Set(facts.nodeAddresses);
  const apiServers = new Set(facts.apiServers);
  const nodes = facts.nodes === null ? [] : [...facts.nodes].map(([, node]) => node);
  const nodeOf = indexAddresses(nodes);
  const pods = collectPrefixes([...facts.podCidrs, ...nodes.flatMap(({ podCidrs }) => podCidrs)]);
  const services = collectPrefixes(facts.serviceCidrs);
  const vips = settings.vipCidrs === null ? null : collectPrefixes(settings.vipCidrs);
  const externals = collectPrefixes(settings.externalIps);
  return (address, kind) => {
    if (kind === 'ExternalIP' && !externals.has(address)) return 'no range of ingress.externalIPs holds it';
    if (kind === 'LoadBalancerIP' && vips !== null && !vips.has(address)) return 'no range of ingress.vipCIDRs holds it';
    if (isLoopback(address) || unusable.has(address)) return 'clients cannot be sent to such an address';
    const node = nodeOf.get(address);
    if (node !== undefined) return `it is an address of node ${node}`;
    if (own.has(address)) return 'it is an address of this node';
    if (apiServers.has(address)) return 'it is the address of an API server';
    if (pods.has(address)) return 'it is in a range of pods';
    return services.has(address) ? 'it is in a range of ClusterIPs' : null;
  };
}

function indexAddresses(nodes: readonly NodeRecord[]): ReadonlyMap<Address, string> {
  return new Map(nodes.flatMap(({ name, addresses }) => addresses.map((address) => [address, name] as const)));
}
