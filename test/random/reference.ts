import type { Cluster, RawService, RawServicePort } from './cluster.ts';
import { machine, ownPodRange } from './hosts.ts';
import { isInside, isLoopbackAddress, readAddress, readRange, sameAddress } from './reference-address.ts';
import { chooseFor } from './reference-endpoints.ts';

/**
 * What must become of a packet, written from the specification as plainly as it can be: raw API objects
 * in, no index, no state, nothing of the product. Sections in comments are the specification's.
 */

type Family = 'IPv4' | 'IPv6';

/** The fields of a KubeProxyConfiguration that matter to packets. */
export interface RawConfig {
  readonly clusterCIDR: string;
  readonly detectLocalMode: string;
  readonly detectLocal: { readonly bridgeInterface: string; readonly interfaceNamePrefix: string };
  readonly nodePortAddresses: readonly string[];
  readonly iptables: { readonly masqueradeAll: boolean; readonly masqueradeBit: number; readonly localhostNodePorts: boolean };
}

export interface Packet {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly port: number;
  /** Null for a process of the node. */
  readonly device: string | null;
}

export type Expected =
  | { readonly verdict: 'untouched' | 'refused' | 'dropped' }
  /** To each of these with the same chance; by `address port`. */
  | { readonly verdict: 'sent'; readonly to: readonly string[]; readonly masquerade: boolean }
  /** The specification does not say. */
  | { readonly verdict: 'open' };

const untouched: Expected = { verdict: 'untouched' };
const refused: Expected = { verdict: 'refused' };
const dropped: Expected = { verdict: 'dropped' };
const open: Expected = { verdict: 'open' };

/** The modes that the model knows; where they differ is told in 3.4. */
export type Mode = 'iptables' | 'nftables';

interface Ask {
  readonly mode: Mode;
  readonly cluster: Cluster;
  readonly config: RawConfig;
  readonly packet: Packet;
}

export function expectVerdict(mode: Mode, cluster: Cluster, config: RawConfig, packet: Packet): Expected {
  const ask: Ask = { mode, cluster, config, packet };
  const services = [...cluster.services.values()].filter((service) => isProxied(service, packet.family));
  const ports = services
    .flatMap((service) => service.spec.ports.map((port) => ({ service, port })))
    .filter(({ port }) => (port.protocol ?? 'TCP') === packet.protocol);
  const viaNodePort = ports.find(({ port }) => port.nodePort === packet.port);
  const atNodePort =
    viaNodePort === undefined || !isLocal(ask, packet.destination)
      ? untouched
      : expectNodePort(ask, viaNodePort.service, viaNodePort.port);
  for (const { service, port } of ports) {
    if (port.port !== packet.port) continue;
    const verdict = expectAtServiceAddress(ask, service, port);
    if (verdict === null) continue;
    // 2.1 gives a Service IP precedence; what a Service IP without back ends does there is not told.
    return verdict.verdict === 'sent' || atNodePort === untouched ? verdict : open;
  }
  // 12.4: another port or protocol of a ClusterIP.
  const isClusterIp = services.some((service) => sameAddress(clusterIpOf(service, packet.family) ?? '', packet.destination));
  return mode === 'nftables' && isClusterIp && atNodePort === untouched ? refused : atNodePort;
}

/** 1.1 and 1.2. */
function isProxied(service: RawService, family: Family): boolean {
  const { spec, metadata } = service;
  if ('service.kubernetes.io/service-proxy-name' in metadata.labels) return false;
  if (spec.clusterIP === undefined || spec.clusterIP === '' || spec.clusterIP === 'None') return false;
  return spec.type !== 'ExternalName' && clusterIpOf(service, family) !== null;
}

/** 1.6. */
function clusterIpOf({ spec }: RawService, family: Family): string | null {
  const families = spec.ipFamilies ?? [];
  if (families.length > 0) return spec.clusterIPs?.[families.indexOf(family)] ?? null;
  return ofFamily(spec.clusterIP ?? '', family) ? (spec.clusterIP ?? null) : null;
}

function expectAtServiceAddress(ask: Ask, service: RawService, port: RawServicePort): Expected | null {
  const { family, destination } = ask.packet;
  const here = (address: string): boolean => ofFamily(address, family) && sameAddress(address, destination);
  const clusterIp = clusterIpOf(service, family);
  if (clusterIp !== null && here(clusterIp)) return expectInternal(ask, service, port);
  if ((service.spec.externalIPs ?? []).some(here)) return expectExternal(ask, service, port, true);
  if (virtualIps(service).some(here)) return expectExternal(ask, service, port, allows(ask, service));
  return null;
}

function virtualIps({ status }: RawService): string[] {
  const ingress = status.loadBalancer.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode }) => (ip !== undefined && (ipMode ?? 'VIP') === 'VIP' ? [ip] : []));
}

/** 3.3, column `int`, and 4.1. */
function expectInternal(ask: Ask, service: RawService, port: RawServicePort): Expected {
  const { cluster, local, any, open: unclear } = chooseFor(ask.cluster, service, port, ask.packet.family);
  if (unclear) return open;
  if (!any) return refused;
  const to = service.spec.internalTrafficPolicy === 'Local' ? local : cluster;
  if (to.length === 0) return dropped;
  const { masqueradeAll } = ask.config.iptables;
  return { verdict: 'sent', to, masquerade: masqueradeAll || (hasDetector(ask) && !isPodTraffic(ask)) };
}

/** 3.3, columns `ext`, 3.4 for a node's own process, 4.1 and 5. */
function expectExternal(ask: Ask, service: RawService, port: RawServicePort, allowed: boolean): Expected {
  const { packet } = ask;
  const { cluster, local, any, open: unclear } = chooseFor(ask.cluster, service, port, packet.family);
  if (unclear) return open;
  const fromNode = packet.device === null;
  if (ask.mode === 'nftables' && !allowed) return dropped;
  // Refusals stand at input and forward (13): a local process meets them only on its way back in through lo.
  const passes = ask.mode === 'iptables' && fromNode && !isLocal(ask, packet.destination);
  if (!any) return passes ? untouched : refused;
  if (!allowed) return dropped;
  if (!hasLocalPolicy(service)) return { verdict: 'sent', to: cluster, masquerade: true };
  if (fromNode) return { verdict: 'sent', to: cluster, masquerade: true };
  if (isPodTraffic(ask)) return { verdict: 'sent', to: cluster, masquerade: false };
  return local.length > 0 ? { verdict: 'sent', to: local, masquerade: false } : dropped;
}

/** 2: the external policy counts where the type makes the Service reachable from outside. */
function hasLocalPolicy({ spec }: RawService): boolean {
  if (spec.externalTrafficPolicy !== 'Local') return false;
  return (
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.externalIPs ?? []).some((text) => readAddress(text) !== null)
  );
}

/**
 * 2.1. Where node ports are not accepted the filter rules still stand (3.4): they refuse, or drop what is
 * to stay on a node without endpoints, whoever asks.
 */
function expectNodePort(ask: Ask, service: RawService, port: RawServicePort): Expected {
  const verdict = expectExternal(ask, service, port, true);
  if (ask.mode === 'nftables') return acceptsNodePorts(ask) ? verdict : untouched;
  if (verdict.verdict !== 'sent' || acceptsNodePorts(ask)) return verdict;
  const { local } = chooseFor(ask.cluster, service, port, ask.packet.family);
  return hasLocalPolicy(service) && local.length === 0 ? dropped : untouched;
}

function acceptsNodePorts(ask: Ask): boolean {
  const { family, destination } = ask.packet;
  const { nodePortAddresses, iptables } = ask.config;
  const own = nodeAddress(ask);
  const ranges = nodePortAddresses.flatMap((text) => {
    const range = readRange(text === 'primary' ? `${own ?? ''}/${family === 'IPv4' ? 32 : 128}` : text);
    return range !== null && range.family === family ? [range] : [];
  });
  if (isLoopbackAddress(destination) && (ask.mode === 'nftables' || family === 'IPv6' || !iptables.localhostNodePorts))
    return false;
  return ranges.length === 0 || ranges.some((range) => range.length === 0 || isInside(range, destination));
}

/** 5. */
function allows(ask: Ask, service: RawService): boolean {
  const { family, source } = ask.packet;
  const ranges = (service.spec.loadBalancerSourceRanges ?? []).flatMap((text) => {
    const range = readRange(text.trim());
    return range !== null && range.family === family ? [range] : [];
  });
  if (ranges.length === 0 || ranges.some((range) => range.length === 0)) return true;
  if (ranges.some((range) => isInside(range, source))) return true;
  const own = nodeAddress(ask);
  const nodeIsListed = own !== null && ranges.some((range) => isInside(range, own));
  return nodeIsListed && virtualIps(service).some((vip) => sameAddress(vip, source));
}

/** 1.4: the first of the family, internal ones first. */
function nodeAddress({ cluster, packet }: Ask): string | null {
  const { addresses } = cluster.node.status;
  const ordered = ['InternalIP', 'ExternalIP'].flatMap((type) => addresses.filter((one) => one.type === type));
  return ordered.find(({ address }) => ofFamily(address, packet.family))?.address ?? null;
}

/** 4.2. */
function hasDetector(ask: Ask): boolean {
  const { detectLocalMode } = ask.config;
  if (detectLocalMode === 'BridgeInterface' || detectLocalMode === 'InterfaceNamePrefix') return true;
  return podRangeOf(ask) !== undefined;
}

function isPodTraffic(ask: Ask): boolean {
  const { detectLocalMode, detectLocal } = ask.config;
  const { device, source } = ask.packet;
  if (detectLocalMode === 'BridgeInterface') return device === detectLocal.bridgeInterface;
  if (detectLocalMode === 'InterfaceNamePrefix') return device?.startsWith(detectLocal.interfaceNamePrefix) ?? false;
  const range = podRangeOf(ask);
  return range !== undefined && isInside(range, source);
}

function podRangeOf({ config, packet }: Ask) {
  const texts = config.detectLocalMode === 'NodeCIDR' ? Object.values(ownPodRange) : config.clusterCIDR.split(',');
  return texts.map((text) => readRange(text)).find((range) => range?.family === packet.family) ?? undefined;
}

/** Every address of the node as the kernel sees it. */
export function isLocal({ cluster }: Pick<Ask, 'cluster'>, address: string): boolean {
  return isLoopbackAddress(address) || [...Object.values(machine), ...cluster.interfaces].includes(address);
}

function ofFamily(text: string, family: Family): boolean {
  return readAddress(text)?.family === family;
}
