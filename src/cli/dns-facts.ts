import type { DnsChoices, EffectiveConfig } from '../config/mod.ts';
import type { ListenPoint, NodeFacts } from '../dns/mod.ts';
import { addressBytes, families, familyOf, hostPrefix } from '../model/mod.ts';
import type { Address, Capture, Family, InterceptWish, PodTraffic, Prefix, Snapshot } from '../model/mod.ts';
import { resolvePodTraffic } from '../proxy/mod.ts';

/** The port of DNS, RFC 1035 4.2. */
const dnsPort = 53;

/** What the resolver listens on and answers for, as far as the snapshot and the configuration say. */
export interface DnsPlan {
  readonly listen: readonly ListenPoint[];
  readonly facts: NodeFacts;
  readonly intercept: InterceptWish;
  /** Nothing says what the addresses of pods are: only the node is answered. */
  readonly podsUnknown: boolean;
  /** What processes of the node send from when they ask here. */
  readonly sources: Readonly<Record<Family, Address | null>>;
}

export interface DnsPlanOptions {
  readonly config: EffectiveConfig;
  readonly choices: DnsChoices;
  /** Those that this node has. */
  readonly families: readonly Family[];
  /** Of all interfaces. */
  readonly localAddresses: readonly Address[];
  readonly loopName: string;
  /** Ports that server blocks are for. */
  readonly ports: readonly number[];
  /** Addresses that server blocks name; empty: those of the configuration. */
  readonly bound: readonly Address[];
}

/** Derives from a snapshot; null: nothing is known yet. */
export function planDns(snapshot: Snapshot | null, options: DnsPlanOptions): DnsPlan {
  const { config, choices, localAddresses, loopName } = options;
  const mayListen = (address: Address): boolean => options.families.includes(familyOf(address));
  const clusterIps = clusterIpsOf(snapshot, choices).filter(mayListen);
  // A node-local cache's configuration binds the ClusterIP too, which is not the node's alone.
  const listed = options.bound.length > 0 ? options.bound : choices.addresses;
  const own = listed.filter((address) => mayListen(address) && !clusterIps.includes(address));
  const intercepted = options.ports.includes(dnsPort) ? clusterIps : [];
  const node = snapshot?.node ?? null;
  const traffic = options.families.flatMap((family) => podTrafficOf(config, family, node));
  const serverAddresses = intercepted.length > 0 ? intercepted : own;
  return {
    listen: [
      ...own.flatMap((address) => options.ports.map((port) => ({ address, port, serves: port }))),
      ...intercepted.map((address) => ({ address, port: choices.interceptPort, serves: dnsPort })),
    ],
    facts: {
      nodeZone: node?.zone ?? null,
      serverAddresses,
      selfService: intercepted.length > 0 ? splitKey(choices.service) : null,
      sources: sourcesOf(choices, traffic, localAddresses),
      loopName,
    },
    intercept: {
      captures: [
        ...own.filter((address) => !localAddresses.includes(address)).flatMap((address) => captures(address, dnsPort)),
        ...intercepted.flatMap((address) => captures(address, choices.interceptPort)),
      ],
      clients: [...traffic, ...choices.clients.map((prefix) => ({ kind: 'source', prefix }) as const)],
    },
    podsUnknown: traffic.length === 0 && choices.clients.length === 0,
    sources: { IPv4: sourceOf('IPv4', options, node?.addresses), IPv6: sourceOf('IPv6', options, node?.addresses) },
  };
}

function captures(address: Address, listenPort: number): readonly Capture[] {
  return (['UDP', 'TCP'] as const).map((protocol) => ({ address, protocol, port: dnsPort, listenPort }));
}

function clusterIpsOf(snapshot: Snapshot | null, { service }: DnsChoices): readonly Address[] {
  const record = service === null ? undefined : snapshot?.services.get(service);
  return families.map((family) => record?.publishedIps?.[family]).filter((address) => address !== undefined);
}

function splitKey(service: string | null): NodeFacts['selfService'] {
  const [namespace = '', name = ''] = service?.split('/') ?? [];
  return service === null ? null : { namespace, name };
}

/** How pods are told from others. Where the configuration does not say, the Node's own ranges do. */
function podTrafficOf(config: EffectiveConfig, family: Family, node: Snapshot['node']): readonly PodTraffic[] {
  const told = resolvePodTraffic(config.podDetection, family, node);
  if (told.kind !== 'none') return [told];
  return (node?.podCidrs ?? []).filter((prefix) => prefix.family === family).map((prefix) => ({ kind: 'source', prefix }));
}

/** Pods, the node itself and whom the operator named (specification 18.1). Empty, everybody, where pods are told by interface. */
function sourcesOf(
  { clients }: DnsChoices,
  traffic: readonly PodTraffic[],
  localAddresses: readonly Address[],
): readonly Prefix[] {
  if (traffic.some(({ kind }) => kind === 'interface' || kind === 'interface-prefix')) return [];
  const pods = traffic.flatMap((one) => (one.kind === 'source' ? [one.prefix] : []));
  const loopback: readonly Prefix[] = [
    { family: 'IPv4', address: '127.0.0.0' as Address, length: 8 },
    { family: 'IPv6', address: '::1' as Address, length: 128 },
  ];
  return [...loopback, ...localAddresses.map(hostPrefix), ...pods, ...clients];
}

/** The node's address of a family, if it is one of its interfaces: nothing can be sent from another. */
function sourceOf(family: Family, { config, localAddresses }: DnsPlanOptions, ofNode: readonly Address[] = []): Address | null {
  const wanted = [config.bindAddress, ...ofNode].filter((address) => address !== null && familyOf(address) === family);
  const usable = wanted.find((address) => address !== null && localAddresses.includes(address));
  return usable ?? localAddresses.find((address) => familyOf(address) === family && isRoutable(address)) ?? null;
}

function isRoutable(address: Address): boolean {
  const [first = 0, second = 0] = addressBytes(address);
  const isLinkLocal = familyOf(address) === 'IPv4' ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80;
  return !isLinkLocal && address !== '::1' && !(familyOf(address) === 'IPv4' && first === 127);
}
