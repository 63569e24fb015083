import { matchesSelector, parseAddress } from '../model/mod.ts';
import { lowerName, parseName } from './name.ts';
import type { Name } from './name.ts';
import type { KubernetesSettings } from './settings.ts';
import type { ZoneService } from './zone-input.ts';
import { LeaseHolder } from './zone-lease.ts';
import { packAddress } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';
import { packPorts, packSlices, unpackAddresses } from './zone-pack.ts';

/** A namespace by its name. There is an entry as well while only Services speak of it; it is not visible then. */
export class NamespaceEntry extends LeaseHolder {
  readonly name: string;
  readonly services = new Map<string, ServiceEntry>();
  /** Whether its object exists and no filter hides it (specification 1.2, 1.9). */
  visible = false;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

export class ServiceEntry extends LeaseHolder {
  readonly namespace: NamespaceEntry;
  readonly name: string;
  data: ServiceData;

  constructor(namespace: NamespaceEntry, name: string, data: ServiceData) {
    super();
    this.namespace = namespace;
    this.name = name;
    this.data = data;
  }
}

/** What answers need of a Service, packed: see zone-pack.ts. */
export interface ServiceData {
  readonly kind: 'cluster' | 'headless' | 'external';
  /** Cluster IPs, each by itself: at most two. */
  readonly clusterIps: readonly RawAddress[];
  readonly ports: string;
  readonly slices: string;
  /** In lower case; null where there is none, or where it is an address in the form of a name (specification 3.5). */
  readonly alias: Name | null;
}

const noAddresses: readonly RawAddress[] = [];

/** Null: a filter hides the Service. */
export function packService(service: ZoneService, settings: KubernetesSettings): ServiceData | null {
  if (!matchesSelector(settings.labels, service.labels)) return null;
  const hasEndpoints = service.kind !== 'external' && !settings.noEndpoints;
  const slices = hasEndpoints ? service.slices.filter((slice) => matchesSelector(settings.labels, slice.labels)) : [];
  const clusterIps = service.kind === 'cluster' ? service.clusterIps.map(packAddress) : [];
  return {
    kind: service.kind,
    clusterIps: clusterIps.length === 0 ? noAddresses : clusterIps,
    // The ports of a headless Service's answers are those of its slices.
    ports: service.kind === 'cluster' ? packPorts(service.ports) : '',
    slices: packSlices(slices, { podNames: settings.endpointPodNames, zones: settings.zonal || settings.preferSameZone }),
    alias: service.kind === 'external' ? aliasOf(service.externalName) : null,
  };
}

function aliasOf(text: string): Name | null {
  const name = parseName(text);
  return name === null || parseAddress(text.replace(/\.$/, '')) !== null ? null : lowerName(name);
}

export function sameData(a: ServiceData, b: ServiceData): boolean {
  return (
    a.kind === b.kind &&
    a.slices === b.slices &&
    a.ports === b.ports &&
    a.alias === b.alias &&
    a.clusterIps.length === b.clusterIps.length &&
    a.clusterIps.every((address, index) => address === b.clusterIps[index])
  );
}

/** Every address that a reverse name could lead to the Service by, once. */
export function addressesOf(data: ServiceData): ReadonlySet<RawAddress> {
  const addresses = unpackAddresses(data.slices);
  return data.clusterIps.length === 0 ? addresses : new Set([...data.clusterIps, ...addresses]);
}
