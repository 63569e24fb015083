import { emptySnapshot, noLabels, noTuning, parseAddress } from '../model/mod.ts';
import type {
  Address,
  EndpointRecord,
  NamespaceRecord,
  PodRecord,
  ServicePortRecord,
  ServiceRecord,
  SliceRecord,
  Snapshot,
} from '../model/mod.ts';
import type { ZoneChange, ZoneNamespace, ZonePod, ZoneService } from './zone-input.ts';

/** Short ways to write records of the cluster in tests of the feed. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(`bad address in a test: ${text}`);
  return parsed;
}

export function port(name: string, number: number): ServicePortRecord {
  return { name, protocol: 'TCP', port: number, nodePort: 0 };
}

export function service(name: string, over: Partial<ServiceRecord> = {}): ServiceRecord {
  const clusterIps = { IPv4: address('10.96.0.10') };
  return {
    key: `shop/${name}`,
    namespace: 'shop',
    name,
    type: 'ClusterIP',
    proxied: true,
    headless: false,
    clusterIps,
    publishedIps: clusterIps,
    externalName: '',
    externalIps: [],
    loadBalancer: [],
    sourceRanges: [],
    ports: [port('http', 80)],
    affinity: null,
    internalLocal: false,
    externalLocal: false,
    healthCheckNodePort: 0,
    tuning: noTuning,
    labels: noLabels,
    loadBalancerClass: null,
    publishing: null,
    createdAt: 0,
    uid: '',
    ...over,
  };
}

export function endpoint(text: string, over: Partial<EndpointRecord> = {}): EndpointRecord {
  return {
    address: address(text),
    ready: true,
    serving: true,
    terminating: false,
    nodeName: 'node-1',
    zone: 'zone-a',
    zoneHints: [],
    nodeHints: [],
    hostname: null,
    podName: 'pod-x',
    ...over,
  };
}

export function slice(of: string, endpoints: readonly EndpointRecord[], over: Partial<SliceRecord> = {}): SliceRecord {
  const ports = [{ name: 'http', protocol: 'TCP', port: 8080 } as const];
  return {
    key: `shop/${of}-1`,
    service: `shop/${of}`,
    proxied: true,
    family: 'IPv4',
    ports,
    publishedPorts: ports,
    endpoints,
    furtherEndpoints: [],
    triggeredAt: null,
    labels: noLabels,
    ...over,
  };
}

export function pod(name: string, over: Partial<PodRecord> = {}): PodRecord {
  const addresses = [address('10.244.1.5')];
  return { key: `shop/${name}`, namespace: 'shop', addresses, nodeName: 'node-1', labels: noLabels, ...over };
}

/** A snapshot in which everything has been read. */
export function snapshotOf(
  services: readonly ServiceRecord[],
  slices: readonly SliceRecord[] = [],
  over: { readonly namespaces?: readonly NamespaceRecord[]; readonly pods?: readonly PodRecord[] } = {},
): Snapshot {
  return {
    ...emptySnapshot,
    services: new Map(services.map((one) => [one.key, one])),
    slices: Map.groupBy(slices, (one) => one.service),
    listed: true,
    namespaces: new Map((over.namespaces ?? []).map((one) => [one.name, one])),
    pods: new Map((over.pods ?? []).map((one) => [one.key, one])),
  };
}

/** The simplest worker: remembers what it was told. */
export class Listener {
  readonly services = new Map<string, ZoneService>();
  readonly namespaces = new Map<string, ZoneNamespace>();
  readonly pods = new Map<string, ZonePod>();
  synced = false;

  hear(changes: Iterable<ZoneChange>): void {
    for (const change of changes) this.hearOne(change);
  }

  hearOne(change: ZoneChange): void {
    // As through a channel between threads.
    const told = structuredClone(change);
    for (const key of told.removedServices) this.services.delete(key);
    for (const name of told.removedNamespaces) this.namespaces.delete(name);
    for (const key of told.removedPods) this.pods.delete(key);
    for (const one of told.services) this.services.set(one.key, one);
    for (const one of told.namespaces) this.namespaces.set(one.name, one);
    for (const one of told.pods) this.pods.set(one.key, one);
    this.synced ||= told.synced;
  }

  get known(): unknown {
    return [this.services, this.namespaces, this.pods];
  }
}
