import type { Family, Protocol } from '../../src/model/mod.ts';
import { families as allFamilies } from '../../src/model/mod.ts';
import { defaultPods, listHosts, nodeNames, nodeZone, planHosts, ranges, secondNodeAddress } from '../lab/addressing.ts';
import type { Addresses, Host } from '../lab/addressing.ts';
import type { ApiObject, Destination } from './flow.ts';

/** The hosts whose names the table uses. */
export const plan = planHosts(defaultPods.node1, defaultPods.node2);

const hosts: ReadonlyMap<string, Host> = new Map(listHosts(plan).map((host) => [host.name, host]));

/** The host of that name; another name is a mistake in the table. */
export function hostNamed(name: string): Host {
  const host = hosts.get(name);
  if (host === undefined) throw new RangeError(`no host called ${name}`);
  return host;
}

export interface PortSpec {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
}

/** A Service, and the destinations under which it is reached. */
export interface ServiceUnderTest {
  readonly name: string;
  readonly object: ApiObject;
  readonly clusterIp: Destination;
  /** `external(n)` of {@link addressesOf}; served only where `spec.externalIPs` names it. */
  readonly externalIp: Destination;
  /** Served only where `status.loadBalancer` names it. */
  readonly loadBalancerIp: Destination;
  readonly nodePort: number;
}

/** The addresses that number `n` (1 to 99) stands for, the same last digits everywhere. */
export function addressesOf(n: number): { readonly cluster: Addresses; readonly external: Addresses; readonly vip: Addresses } {
  return {
    cluster: { IPv4: `10.96.0.${n}`, IPv6: `fd00:10:96::${n}` },
    external: { IPv4: `198.51.100.${n}`, IPv6: `2001:db8:100::${n}` },
    vip: { IPv4: `198.51.100.${100 + n}`, IPv6: `2001:db8:100::1:${n}` },
  };
}

/** Port 80 over TCP and UDP; with a node port number, on both. */
export function bothPorts(nodePort = 0): readonly PortSpec[] {
  const protocols = ['TCP', 'UDP'] as const;
  return protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, nodePort }));
}

/**
 * A dual-stack Service number `n`: ClusterIPs, external and load-balancer addresses and the node port
 * 30000 + n follow from the number. `spec` goes over the usual fields.
 */
export function service(
  name: string,
  n: number,
  options: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    readonly families?: readonly Family[];
    readonly ports?: readonly PortSpec[];
    readonly external?: boolean;
    readonly ingress?: readonly Readonly<Record<string, unknown>>[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly spec?: Readonly<Record<string, unknown>>;
  } = {},
): ServiceUnderTest {
  const type = options.type ?? 'ClusterIP';
  const families = options.families ?? allFamilies;
  const { cluster, external, vip } = addressesOf(n);
  const ips = families.map((family) => cluster[family]);
  const nodePort = 30_000 + n;
  const ingress = options.ingress ?? (type === 'LoadBalancer' ? families.map((family) => ({ ip: vip[family] })) : []);
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: 'default',
      ...(options.labels === undefined ? {} : { labels: options.labels }),
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    },
    spec: {
      type,
      clusterIP: ips[0],
      clusterIPs: ips,
      ipFamilies: families,
      ports: options.ports ?? bothPorts(type === 'ClusterIP' ? 0 : nodePort),
      ...(options.external === true ? { externalIPs: families.map((family) => external[family]) } : {}),
      ...options.spec,
    },
    status: { loadBalancer: ingress.length === 0 ? {} : { ingress } },
  };
  return {
    name,
    object,
    clusterIp: { name: 'ClusterIP', addresses: pick(cluster, families) },
    externalIp: { name: 'external IP', addresses: pick(external, families) },
    loadBalancerIp: { name: 'LB IP', addresses: pick(vip, families) },
    nodePort,
  };
}

function pick(addresses: Addresses, families: readonly Family[]): Partial<Addresses> {
  return Object.fromEntries(families.map((family) => [family, addresses[family]]));
}

/** An endpoint: a pod or, for a host-network one, a node. */
export interface EndpointSpec {
  readonly host: string;
  /** Absent: all three are left out, as an old controller does. */
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly zones?: readonly string[];
  readonly nodes?: readonly string[];
  /** Leaves the node name out. */
  readonly homeless?: boolean;
}

export function ready(host: string, more: Omit<EndpointSpec, 'host' | 'conditions'> = {}): EndpointSpec {
  return { host, conditions: { ready: true, serving: true, terminating: false }, ...more };
}

export function unready(host: string, more: Omit<EndpointSpec, 'host' | 'conditions'> = {}): EndpointSpec {
  return { host, conditions: { ready: false, serving: false, terminating: false }, ...more };
}

/** On its way out and still answering, or with `serving` false no longer. */
export function terminating(host: string, serving = true): EndpointSpec {
  return { host, conditions: { ready: false, serving, terminating: true } };
}

/** As a published-not-ready endpoint looks while its pod terminates. */
export function publishedNotReady(host: string): EndpointSpec {
  return { host, conditions: { ready: true, serving: false, terminating: true } };
}

export interface SliceOptions {
  readonly suffix?: string;
  readonly families?: readonly Family[];
  readonly ports?: readonly { readonly name?: string; readonly protocol?: Protocol; readonly port?: number }[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** One EndpointSlice for each family, its ports being 8080 over TCP and UDP unless `ports` says otherwise. */
export function slices(
  serviceName: string,
  endpoints: readonly EndpointSpec[],
  options: SliceOptions = {},
): readonly ApiObject[] {
  return (options.families ?? allFamilies).map((family) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName}-${options.suffix ?? 'a'}-${family.toLowerCase()}`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': serviceName, ...options.labels },
    },
    addressType: family,
    ports: options.ports ?? [
      { name: 'tcp', protocol: 'TCP', port: 8080 },
      { name: 'udp', protocol: 'UDP', port: 8080 },
    ],
    endpoints: endpoints.map((endpoint) => makeEndpoint(endpoint, family)),
  }));
}

function makeEndpoint(endpoint: EndpointSpec, family: Family): Readonly<Record<string, unknown>> {
  const host = hostNamed(endpoint.host);
  const nodeName = nodeNames[host.node ?? host.name];
  const hints = {
    ...(endpoint.zones === undefined ? {} : { forZones: endpoint.zones.map((name) => ({ name })) }),
    ...(endpoint.nodes === undefined ? {} : { forNodes: endpoint.nodes.map((name) => ({ name })) }),
  };
  return {
    addresses: [host.addresses[family]],
    ...(endpoint.conditions === undefined ? {} : { conditions: endpoint.conditions }),
    ...(endpoint.homeless === true ? {} : { nodeName }),
    ...(Object.keys(hints).length === 0 ? {} : { hints }),
  };
}

/** The Node object of node1. */
export function nodeObject(labels: Readonly<Record<string, string>> = { 'topology.kubernetes.io/zone': nodeZone }): ApiObject {
  const { IPv4, IPv6 } = plan.node1.addresses;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1', labels },
    spec: { podCIDR: ranges.node1Pods.IPv4, podCIDRs: [ranges.node1Pods.IPv4, ranges.node1Pods.IPv6] },
    status: {
      addresses: [
        { type: 'InternalIP', address: IPv4 },
        { type: 'InternalIP', address: IPv6 },
        { type: 'Hostname', address: 'node-1' },
      ],
    },
  };
}

/** Destinations that are not a Service's own: where node ports are asked for, and hosts asked directly. */
export const at = {
  node: { name: 'node address', addresses: plan.node1.addresses },
  secondAddress: { name: 'second node address', addresses: secondNodeAddress },
  otherNode: { name: 'address of the node without an agent', addresses: plan.node2.addresses },
  loopback4: { name: '127.0.0.1', addresses: { IPv4: '127.0.0.1' } },
  loopback6: { name: '::1', addresses: { IPv6: '::1' } },
  host: (name: string): Destination => ({ name, addresses: hostNamed(name).addresses }),
  address: (IPv4: string, IPv6: string): Destination => ({ name: IPv4, addresses: { IPv4, IPv6 } }),
} as const;
