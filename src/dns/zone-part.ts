import type { Protocol } from '../model/mod.ts';
import type { ServiceEntry } from './zone-entry.ts';
import type { ZonePort } from './zone-input.ts';
import { parseDashedLabel } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';
import { unpackAddresses, unpackPorts, unpackSlices } from './zone-pack.ts';
import type { EndpointGroup, PackedEndpoint } from './zone-pack.ts';
import { showLabels } from './zone-words.ts';

/** What one Service has to say at one name: below it, or its own. Either addresses or targets are worked out, as was asked. */
export interface Part {
  /** Each once. */
  readonly addresses: readonly RawAddress[];
  readonly targets: readonly Target[];
  /** What the name stands for, for people: `Service shop/web`, `port http/tcp of Service shop/web`. */
  readonly what: string;
}

/** Where an SRV record leads. */
export interface Target {
  readonly service: ServiceEntry;
  /** The endpoint's label; null for the Service itself. */
  readonly label: string | null;
  readonly port: number;
  /** Every address of the target's name. */
  readonly addresses: readonly RawAddress[];
}

export interface PartOptions {
  readonly wildcards: boolean;
  readonly zonal: boolean;
  readonly ignoreEmptyService: boolean;
}

type PortFilter = (port: ZonePort) => boolean;
type EndpointFilter = (endpoint: PackedEndpoint) => boolean;

const everyPort: PortFilter = () => true;
const protocolOf: ReadonlyMap<string, Protocol> = new Map([
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
]);

export function isWildcard(label: string): boolean {
  return label === '*' || label === 'any';
}

/**
 * The Service's part at the name made of `below`, leftmost label first, and its own name. Null: there is no such name. Targets
 * are worked out only where `wantsTargets`. Not for Services of kind `external`.
 */
export function findPart(
  service: ServiceEntry,
  below: readonly string[],
  options: PartOptions,
  wantsTargets: boolean,
): Part | null {
  const { kind, slices } = service.data;
  if (kind === 'external' || (kind === 'cluster' && service.data.clusterIps.length === 0)) return null;
  // A headless Service without a ready endpoint does not exist (specification 3.2).
  if (slices === '' && (kind === 'headless' || options.ignoreEmptyService)) return null;
  const [first, second] = below;
  if (first === undefined)
    return wholePart(service, everyPort, wantsTargets, `${nameOf(service)}, ${kind === 'headless' ? 'headless' : 'ClusterIP'}`);
  if (second === undefined) return endpointPart(service, first, options, wantsTargets) ?? emptyPart(service, first, options);
  if (below.length === 2)
    return portPart(service, first, second, options, wantsTargets) ?? zonalPart(service, below, options, wantsTargets);
  return zonalPart(service, below, options, wantsTargets);
}

/** All addresses of the Service, and those of its ports that pass. */
function wholePart(service: ServiceEntry, accepts: PortFilter, wantsTargets: boolean, what: string): Part {
  const { kind, clusterIps, ports, slices } = service.data;
  if (kind === 'headless') {
    const targets = wantsTargets ? targetsOf(service, unpackSlices(slices), accepts) : [];
    return { addresses: wantsTargets ? [] : [...unpackAddresses(slices)], targets, what };
  }
  const numbers = new Set(wantsTargets ? unpackPorts(ports).flatMap((port) => (accepts(port) ? [port.port] : [])) : []);
  const targets = Array.from(numbers, (port) => ({ service, label: null, port, addresses: clusterIps }));
  return { addresses: clusterIps, targets, what };
}

function endpointPart(service: ServiceEntry, label: string, options: PartOptions, wantsTargets: boolean): Part | null {
  const { slices } = service.data;
  const isWild = options.wildcards && isWildcard(label);
  if (!isWild && !mayHold(slices, label)) return null;
  const groups = unpackSlices(slices);
  const own = keep(groups, (endpoint) => endpoint.label === label);
  const found = own.length === 0 && isWild ? groups : own;
  if (found.length === 0) return null;
  const what = `endpoint ${label} of ${nameOf(service)}`;
  return { addresses: distinct(found), targets: wantsTargets ? targetsOf(service, found, everyPort) : [], what };
}

/**
 * Quick and never wrongly false: a label is either spelled out in the packed text or it is made of an address. Names that do not
 * exist are most of what a resolver is asked, and need not unpack a thousand endpoints each.
 */
function mayHold(slices: string, label: string): boolean {
  if (slices.includes(label)) return true;
  const address = parseDashedLabel(label);
  return address !== null && slices.includes(address);
}

/** `_tcp` above named ports, and names above zone-scoped ones: they exist, since names below do (RFC 8020). */
function emptyPart(service: ServiceEntry, label: string, options: PartOptions): Part | null {
  const isZonal = options.zonal && service.data.kind === 'headless' && label === '_zone';
  if (!isZonal && !portsOf(service).some((port) => port.name !== '' && matchesProtocol(port, label, options))) return null;
  return { addresses: [], targets: [], what: `names below ${label} of ${nameOf(service)}` };
}

function portPart(
  service: ServiceEntry,
  name: string,
  protocol: string,
  options: PartOptions,
  wantsTargets: boolean,
): Part | null {
  const ports = portsOf(service);
  const accepts: PortFilter = (port) => matchesPort(port, name, options) && matchesProtocol(port, protocol, options);
  if (!ports.some(accepts)) return null;
  // A literal match goes before what a wildcard means.
  const isLiteral: PortFilter = (port) => matchesPort(port, name, literally) && matchesProtocol(port, protocol, literally);
  const filter = options.wildcards && ports.some(isLiteral) ? isLiteral : accepts;
  return wholePart(service, filter, wantsTargets, `port ${name}/${protocol} of ${nameOf(service)}`);
}

const literally = { wildcards: false };

/** Ports with names of their own: a Service's, or for a headless one those of its ready endpoints. */
function portsOf({ data }: ServiceEntry): readonly ZonePort[] {
  return data.kind === 'cluster' ? unpackPorts(data.ports) : unpackSlices(data.slices).flatMap(({ ports }) => ports);
}

/** The underscore may be missing, and one alone means any named port (specification 3.4). */
function matchesPort({ name }: ZonePort, label: string, options: { readonly wildcards: boolean }): boolean {
  if (name === '') return false;
  return label === '_' || name === label || `_${name}` === label || (options.wildcards && isWildcard(label));
}

function matchesProtocol({ protocol }: ZonePort, label: string, options: { readonly wildcards: boolean }): boolean {
  if (options.wildcards && isWildcard(label)) return true;
  return protocolOf.get(label.startsWith('_') ? label.slice(1) : label) === protocol;
}

/** `<zone>.pin._zone` and `<zone>.prefer._zone`, the zone in as many labels as it has (specification 3.10). */
function zonalPart(service: ServiceEntry, below: readonly string[], options: PartOptions, wantsTargets: boolean): Part | null {
  const directive = below.at(-2);
  if (!options.zonal || service.data.kind !== 'headless' || below.at(-1) !== '_zone') return null;
  if (directive !== 'pin' && directive !== 'prefer') return null;
  const labels = below.slice(0, -2);
  const zone = labels.join('.');
  const what = `zone ${showLabels(labels)} of ${nameOf(service)}`;
  if (labels.length === 0) return { addresses: [], targets: [], what };
  const groups = unpackSlices(service.data.slices);
  // A dot inside a label is no boundary of labels.
  const isPlain = labels.every((label) => !label.includes('.'));
  const inZone = keep(groups, (endpoint) => isPlain && endpoint.zone === zone);
  const found = inZone.length === 0 && directive === 'prefer' ? groups : inZone;
  return { addresses: distinct(found), targets: wantsTargets ? targetsOf(service, found, everyPort) : [], what };
}

/** Groups with the endpoints that pass; none without. */
function keep(groups: readonly EndpointGroup[], accepts: EndpointFilter): readonly EndpointGroup[] {
  return groups
    .map(({ ports, endpoints }) => ({ ports, endpoints: endpoints.filter(accepts) }))
    .filter(({ endpoints }) => endpoints.length > 0);
}

function distinct(groups: readonly EndpointGroup[]): readonly RawAddress[] {
  return [...new Set(groups.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)))];
}

/** One for each label and number; its addresses are all that the label has in these groups. */
function targetsOf(service: ServiceEntry, groups: readonly EndpointGroup[], accepts: PortFilter): readonly Target[] {
  const addresses = new Map<string, Set<RawAddress>>();
  const numbers = new Map<string, Set<number>>();
  for (const { ports, endpoints } of groups) {
    const accepted = ports.filter(accepts);
    for (const { label, address } of endpoints) {
      valueAt(addresses, label).add(address);
      const known = valueAt(numbers, label);
      for (const { port } of accepted) known.add(port);
    }
  }
  return Array.from(numbers).flatMap(([label, ports]) => {
    const glue = [...(addresses.get(label) ?? [])];
    return Array.from(ports, (port) => ({ service, label, port, addresses: glue }));
  });
}

function valueAt<Value>(map: Map<string, Set<Value>>, key: string): Set<Value> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Set<Value>();
  map.set(key, made);
  return made;
}

/** Addresses of endpoints in a zone, for those who prefer them (specification 17.2). */
export function addressesInZone({ data }: ServiceEntry, zone: string): ReadonlySet<RawAddress> {
  return new Set(distinct(keep(unpackSlices(data.slices), (endpoint) => endpoint.zone === zone)));
}

export function nameOf({ namespace, name }: ServiceEntry): string {
  return `Service ${namespace.name}/${name}`;
}
