import type { EndpointRecord, Labels, ServiceRecord, SlicePortRecord, SliceRecord } from '../model/mod.ts';
import type { DataNeeds } from './feed-needs.ts';
import type { ZoneEndpoint, ZonePort, ZoneService, ZoneSlice } from './zone-input.ts';

type Slices = readonly SliceRecord[];

const noSlices: readonly ZoneSlice[] = [];

/** A Service with all that is published of it. Slices without a ready endpoint publish nothing and are left out. */
export function describeService(service: ServiceRecord, slices: Slices, needs: DataNeeds): ZoneService {
  const { key, namespace, name, externalName, labels } = service;
  const kind = kindOf(service);
  const { IPv4, IPv6 } = service.publishedIps ?? {};
  return {
    key,
    namespace,
    name,
    kind,
    clusterIps: kind === 'cluster' ? [IPv4, IPv6].filter((address) => address !== undefined) : [],
    externalName: kind === 'external' ? externalName : '',
    ports: service.ports.map(describePort),
    slices: kind === 'external' ? noSlices : describeSlices(slices, needs),
    labels,
  };
}

function kindOf({ type, publishedIps }: ServiceRecord): ZoneService['kind'] {
  if (type === 'ExternalName') return 'external';
  return publishedIps === null ? 'headless' : 'cluster';
}

function describePort({ name, protocol, port }: SlicePortRecord): ZonePort {
  return { name, protocol, port };
}

function describeSlices(slices: Slices, needs: DataNeeds): readonly ZoneSlice[] {
  const found: ZoneSlice[] = [];
  for (const slice of slices) {
    const endpoints: ZoneEndpoint[] = [];
    for (const endpoint of slice.endpoints) if (endpoint.ready) endpoints.push(describeEndpoint(endpoint, needs));
    for (const endpoint of slice.furtherEndpoints) if (endpoint.ready) endpoints.push(describeEndpoint(endpoint, needs));
    if (endpoints.length > 0) found.push({ ports: slice.publishedPorts, endpoints, labels: slice.labels });
  }
  return found;
}

function describeEndpoint({ address, hostname, podName, zone }: EndpointRecord, needs: DataNeeds): ZoneEndpoint {
  return { address, hostname, podName: needs.podNames ? podName : null, zone: needs.zones ? zone : null };
}

/** Whether {@link describeService} says the same of both, without building either. */
export function isSameService(
  a: readonly [service: ServiceRecord, slices: Slices],
  b: readonly [service: ServiceRecord, slices: Slices],
  needs: DataNeeds,
): boolean {
  if (a[0] !== b[0] && !isSameRecord(a[0], b[0])) return false;
  if (a[1] === b[1] || a[0].type === 'ExternalName') return true;
  const published = a[1].filter(isPublished);
  const others = b[1].filter(isPublished);
  return isSameList(published, others, (slice, other) => isSameSlice(slice, other, needs));
}

function isSameRecord(a: ServiceRecord, b: ServiceRecord): boolean {
  return (
    kindOf(a) === kindOf(b) &&
    a.externalName === b.externalName &&
    a.publishedIps?.IPv4 === b.publishedIps?.IPv4 &&
    a.publishedIps?.IPv6 === b.publishedIps?.IPv6 &&
    isSameList(a.ports, b.ports, isSamePort) &&
    isSameLabels(a.labels, b.labels)
  );
}

function isSameSlice(a: SliceRecord, b: SliceRecord, needs: DataNeeds): boolean {
  if (a === b) return true;
  if (!isSameList(a.publishedPorts, b.publishedPorts, isSamePort) || !isSameLabels(a.labels, b.labels)) return false;
  return isSameList(readyOf(a), readyOf(b), (endpoint, other) => isSameEndpoint(endpoint, other, needs));
}

function isSameEndpoint(a: EndpointRecord, b: EndpointRecord, needs: DataNeeds): boolean {
  if (a.address !== b.address || a.hostname !== b.hostname) return false;
  return (!needs.podNames || a.podName === b.podName) && (!needs.zones || a.zone === b.zone);
}

function isSamePort(a: SlicePortRecord, b: SlicePortRecord): boolean {
  return a.name === b.name && a.protocol === b.protocol && a.port === b.port;
}

function isPublished({ endpoints, furtherEndpoints }: SliceRecord): boolean {
  return endpoints.some(({ ready }) => ready) || furtherEndpoints.some(({ ready }) => ready);
}

function readyOf({ endpoints, furtherEndpoints }: SliceRecord): readonly EndpointRecord[] {
  return [...endpoints, ...furtherEndpoints].filter(({ ready }) => ready);
}

function isSameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  return a.length === b.length && a.every((item, at) => isSame(item, b[at] as T));
}
