import { recordType } from './constants.ts';
import type { Name } from './name.ts';
import type { ResourceRecord } from './record.ts';
import type { KubernetesSettings } from './settings.ts';
import { formatRaw, parseDashedLabel } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';
import type { Lease } from './zone-contract.ts';
import type { NamespaceEntry, ServiceEntry } from './zone-entry.ts';
import { endlessLease } from './zone-lease.ts';
import { findNameServer } from './zone-name-server.ts';
import type { NameServerOptions } from './zone-name-server.ts';
import { addressesInZone, findPart, isWildcard, nameOf } from './zone-part.ts';
import type { Part } from './zone-part.ts';
import { addressRecord, nameRecord, soaRecord, srvRecords, versionRecord } from './zone-records.ts';
import type { ZoneStore } from './zone-store.ts';
import { showLabels } from './zone-words.ts';

/** What a name in one of our zones has to say to a type. Existence does not depend on the type (specification 4.1). */
export type Found =
  | { readonly kind: 'missing'; readonly because: string }
  /** Not known before the first sync. */
  | { readonly kind: 'unknown'; readonly because: string }
  | { readonly kind: 'alias'; readonly target: Name; readonly lease: Lease; readonly because: string }
  | FoundData;

export interface FoundData {
  readonly kind: 'data';
  /** Empty: the name exists and has nothing of this type. */
  readonly answer: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** See Answer. */
  readonly preferred: number;
  readonly lease: Lease;
  readonly because: string;
}

/** A question to a forward zone. */
export interface Ask {
  /** In lower case. */
  readonly name: Name;
  readonly type: number;
  /** The zone that matched: generated names are below it. */
  readonly domain: Name;
}

export interface ForwardOptions extends NameServerOptions {
  readonly nodeZone: string | null;
}

export interface ForwardZone {
  /** `labels` are those left of the zone, leftmost first. */
  find(labels: readonly string[], ask: Ask): Found;
}

const notYet: Found = { kind: 'unknown', because: 'the cluster has not been read to its end yet' };

export function createForwardZone(store: ZoneStore, settings: KubernetesSettings, options: ForwardOptions): ForwardZone {
  const findService = serviceFinder(store, settings, options.nodeZone?.toLowerCase() ?? null);
  const findPod = podFinder(store, settings);
  return {
    find: (labels, ask) => {
      switch (labels.at(-1)) {
        case undefined:
          return findApex(store, settings, options, ask);
        case 'svc':
          if (labels.length === 1) return emptyName('names of Services are below it');
          return store.synced ? findService(labels.slice(0, -1), ask) : notYet;
        case 'pod':
          if (labels.length === 1) return emptyName('names of pods are below it');
          if (settings.pods === 'disabled') return { kind: 'missing', because: 'names of pods are switched off' };
          return store.synced ? findPod(labels.slice(0, -1), ask) : notYet;
        default:
          return findStatic(store, settings, options, labels, ask);
      }
    },
  };
}

function findApex(store: ZoneStore, settings: KubernetesSettings, options: ForwardOptions, { name, type, domain }: Ask): Found {
  if (type === recordType.SOA) {
    return {
      ...emptyName('the zone itself'),
      answer: [soaRecord(name, domain, store.serial, settings.ttl)],
      lease: store.moment.lease,
    };
  }
  if (type !== recordType.NS) return emptyName('the zone itself');
  const server = findNameServer(store, options, domain);
  return {
    ...emptyName(`the zone is served by ${server.because}`),
    answer: [nameRecord(name, recordType.NS, settings.ttl, server.name)],
    additional: server.addresses.map((address) => addressRecord(server.name, settings.ttl, address)),
    lease: server.lease,
  };
}

/** Names that no object stands behind. */
function findStatic(
  store: ZoneStore,
  settings: KubernetesSettings,
  options: ForwardOptions,
  labels: readonly string[],
  { name, type, domain }: Ask,
): Found {
  const [first, second, third] = labels;
  if (first === 'dns-version' && second === undefined) {
    return { ...emptyName('version of the schema of names'), answer: type === recordType.TXT ? [versionRecord(name)] : [] };
  }
  if (first === 'dns' && second === undefined) return emptyName('the name of the resolver is below it');
  if (first === 'ns' && second === 'dns' && third === undefined) {
    const server = findNameServer(store, options, domain);
    return {
      ...emptyName(`this resolver, ${server.because}`),
      answer: ofFamily(server.addresses, settings.ttl, name, type),
      lease: server.lease,
    };
  }
  return { kind: 'missing', because: `no name ${showLabels(labels)} in the zone` };
}

/** `rest`: the labels left of `svc`. */
function serviceFinder(store: ZoneStore, settings: KubernetesSettings, nodeZone: string | null) {
  const matchNamespaces = namespaceMatcher(store, settings.wildcards);
  // Where endpoints are not known, a Service without any says nothing.
  const options = { ...settings, ignoreEmptyService: settings.ignoreEmptyService && !settings.noEndpoints };
  return (rest: readonly string[], ask: Ask): Found => {
    const namespaceLabel = rest.at(-1) ?? '';
    const serviceLabel = rest.at(-2);
    const namespaces = matchNamespaces(namespaceLabel);
    if (namespaces.length === 0) return noNamespace(namespaceLabel);
    if (serviceLabel === undefined) return emptyName(`namespace ${showLabels([namespaceLabel])}`);
    const below = rest.slice(0, -2);
    const services = namespaces.flatMap((namespace) => matchServices(namespace, serviceLabel, settings.wildcards));
    const parts = services.flatMap((service) => {
      const part = findPart(service, below, options, ask.type === recordType.SRV);
      return part === null ? [] : [{ service, part }];
    });
    const [only, another] = parts;
    const isWild = settings.wildcards && rest.some(isWildcard);
    if (only === undefined)
      return findAlias(services, below, isWild, store) ?? { kind: 'missing', because: whyNot(services, rest) };
    const lease = isWild ? store.moment.lease : only.service.lease;
    const near =
      settings.preferSameZone && nodeZone !== null && another === undefined ? nearOf(only.service, nodeZone) : noneNear;
    return dataOf(mergeParts(parts.map(({ part }) => part)), lease, near, settings.ttl, ask);
  };
}

const noneNear: ReadonlySet<RawAddress> = new Set();

function nearOf(service: ServiceEntry, nodeZone: string): ReadonlySet<RawAddress> {
  return service.data.kind === 'headless' ? addressesInZone(service, nodeZone) : noneNear;
}

/** An alias shares its name with nothing (RFC 1034 3.6.2), so a wildcard takes one only where it means nothing else. */
function findAlias(services: readonly ServiceEntry[], below: readonly string[], isWild: boolean, store: ZoneStore): Found | null {
  const [service, another] = services.filter(({ data }) => data.alias !== null);
  const target = service?.data.alias ?? null;
  if (service === undefined || target === null || another !== undefined || below.length > 0) return null;
  return {
    kind: 'alias',
    target,
    lease: isWild ? store.moment.lease : service.lease,
    because: `${nameOf(service)}, ExternalName`,
  };
}

/** A literal match goes before what a wildcard means (specification 3.9). */
function namespaceMatcher(store: ZoneStore, wildcards: boolean): (label: string) => readonly NamespaceEntry[] {
  return (label) => {
    const literal = store.namespace(label);
    if (literal !== null) return [literal];
    return wildcards && isWildcard(label) ? [...store.visibleNamespaces()] : [];
  };
}

function matchServices(namespace: NamespaceEntry, label: string, wildcards: boolean): readonly ServiceEntry[] {
  const literal = namespace.services.get(label);
  if (literal !== undefined) return [literal];
  return wildcards && isWildcard(label) ? [...namespace.services.values()] : [];
}

function mergeParts(parts: readonly Part[]): Part {
  const [only, another] = parts;
  if (only !== undefined && another === undefined) return only;
  return {
    addresses: [...new Set(parts.flatMap(({ addresses }) => addresses))],
    targets: parts.flatMap(({ targets }) => targets),
    what: parts.length > 3 ? `${parts.length} matches` : parts.map(({ what }) => what).join('; '),
  };
}

function dataOf(part: Part, lease: Lease, near: ReadonlySet<RawAddress>, ttl: number, { name, type, domain }: Ask): FoundData {
  if (type === recordType.SRV) return { ...emptyName(part.what), ...srvRecords(name, domain, ttl, part.targets), lease };
  const first = part.addresses.filter((address) => near.has(address));
  const rest = first.length === 0 ? part.addresses : part.addresses.filter((address) => !near.has(address));
  const preferred = ofFamily(first, ttl, name, type);
  const answer = [...preferred, ...ofFamily(rest, ttl, name, type)];
  return { ...emptyName(part.what), answer, preferred: preferred.length, lease };
}

/** `rest`: the labels left of `pod`. */
function podFinder(store: ZoneStore, settings: KubernetesSettings) {
  const matchNamespaces = namespaceMatcher(store, settings.wildcards);
  return (rest: readonly string[], { name, type }: Ask): Found => {
    const namespaceLabel = rest.at(-1) ?? '';
    const podLabel = rest.at(-2);
    const namespaces = matchNamespaces(namespaceLabel);
    const [namespace, another] = namespaces;
    if (namespace === undefined) return noNamespace(namespaceLabel);
    if (podLabel === undefined) return emptyName(`pods of namespace ${showLabels([namespaceLabel])}`);
    const address = rest.length === 2 ? parseDashedLabel(podLabel) : null;
    if (address === null) return { kind: 'missing', because: `${showLabels(rest.slice(0, -1))} is no address of a pod` };
    const isVerified = settings.pods === 'verified';
    const names = new Set(isVerified ? namespaces.map((entry) => entry.name) : []);
    if (isVerified && !store.pods.has(address, (candidate) => names.has(candidate))) {
      return { kind: 'missing', because: `no pod of namespace ${showLabels([namespaceLabel])} has ${formatRaw(address)}` };
    }
    const lease = isVerified || another !== undefined || namespace.name !== namespaceLabel ? store.moment.lease : namespace.lease;
    const because = `pod ${formatRaw(address)} of namespace ${showLabels([namespaceLabel])}${isVerified ? '' : ', not verified'}`;
    return { ...emptyName(because), answer: ofFamily([address], settings.ttl, name, type), lease };
  };
}

function noNamespace(label: string): Found {
  return { kind: 'missing', because: `no namespace ${showLabels([label])}` };
}

function whyNot(services: readonly ServiceEntry[], rest: readonly string[]): string {
  const [namespace = '', name = ''] = rest.toReversed();
  const [service] = services;
  if (service === undefined) return `no Service ${showLabels([namespace])}/${showLabels([name])}`;
  if (rest.length > 2) return `${nameOf(service)} has no ${showLabels(rest.slice(0, -2))}`;
  switch (service.data.kind) {
    case 'external':
      return `${nameOf(service)} has no name to be an alias for`;
    case 'headless':
      return `${nameOf(service)} has no ready endpoint`;
    case 'cluster':
      return service.data.clusterIps.length === 0
        ? `${nameOf(service)} has no cluster IP`
        : `${nameOf(service)} has no ready endpoint`;
  }
}

function emptyName(because: string): FoundData {
  return { kind: 'data', answer: [], additional: [], preferred: 0, lease: endlessLease, because };
}

function ofFamily(addresses: readonly RawAddress[], ttl: number, name: Name, type: number): readonly ResourceRecord[] {
  const length = type === recordType.A ? 4 : type === recordType.AAAA ? 16 : 0;
  return length === 0
    ? []
    : addresses.flatMap((address) => (address.length === length ? [addressRecord(name, ttl, address)] : []));
}
