import { protocols } from '../model/mod.ts';
import type { Family, Protocol } from '../model/mod.ts';
import { sideFields } from './side-fields.ts';
import type { FieldName } from './expression.ts';
import { defineSet } from './transaction.ts';
import type { DatumType, SetDefinition, TableName } from './transaction.ts';

/** Everything of nftables mode is in the table that kube-proxy has for it, and nothing else of any table (specification 14). */
export function planeTable(family: Family): TableName {
  return { family: family === 'IPv4' ? 'ip' : 'ip6', name: 'kube-proxy' };
}

/** What a destination is known by: address, protocol and port; of a node port protocol and port. */
export type Place = 'service' | 'node_port';

const places: readonly Place[] = ['service', 'node_port'];

/**
 * Where back ends stand. Clients outside look into the second lane of a place if the destination is in its `split` set: a
 * Local policy gives them other back ends than pods and the node.
 */
export type Lane = Place | `${Place}_outside`;

export const lanes: readonly Lane[] = ['service', 'service_outside', 'node_port', 'node_port_outside'];

export function placeOf(lane: Lane): Place {
  return lane.startsWith('service') ? 'service' : 'node_port';
}

export function outsideLane(place: Place): Lane {
  return `${place}_outside`;
}

/** Pools up to this size are drawn from exactly, by a rule for each size. */
export const exactSizes = 8;
/** More back ends than this, each as often as its weight asks for, are refused. */
export const largestPool = 16_384;

/**
 * Sizes that pools are sorted into. A pool of more than {@link exactSizes} is drawn from as if it had as many back ends as the
 * next power of two, until a draw meets one: rules are then as many at any number of Services, and a pool that grows by
 * one back end costs one element.
 */
export const sizes: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, ...doublings(2 * exactSizes)];

function doublings(from: number): readonly number[] {
  return from > largestPool ? [] : [from, ...doublings(2 * from)];
}

/** The size that a pool of so many is sorted into. Of 1 to {@link largestPool}. */
export function sizeOf(count: number): number {
  return sizes.find((size) => size >= count) ?? largestPool;
}

/** Whose source is rewritten: of one set a destination is in at most, of which each class of clients asks those that name it. */
export const masquerades = {
  all: ['pod', 'node', 'outside'],
  unless_pod: ['node', 'outside'],
  pod: ['pod'],
  node: ['node'],
  outside: ['outside'],
} as const;

export type Masquerade = keyof typeof masquerades;

export const sizeSet = (lane: Lane, size: number): string => `${lane}_${size}`;
export const slotMap = (lane: Lane, protocol: Protocol): string => `${lane}_${protocol.toLowerCase()}`;
export const stickyMap = (lane: Lane): string => `${lane}_sticky`;
export const masqueradeSet = (place: Place, who: Masquerade): string => `${place}_masquerade_${who}`;
export const splitSet = (place: Place): string => `${place}_split`;
export const refusedSet = (place: Place, verdict: 'reject' | 'drop'): string =>
  `${place}_${verdict === 'reject' ? 'rejected' : 'dropped'}`;

/** Types of ports where the tool insists on the protocol. */
const portTypes: Readonly<Record<Protocol, DatumType>> = { TCP: 'tcp port', UDP: 'udp port', SCTP: 'sctp port' };

/** What differs between the families and places in rules. */
export interface PlaneFields {
  readonly saddr: FieldName;
  readonly daddr: FieldName;
  /** The fields of a destination. */
  readonly destination: Readonly<Record<Place, readonly FieldName[]>>;
  /** The same without the protocol, for which slots have maps of their own. */
  readonly spot: Readonly<Record<Place, readonly FieldName[]>>;
}

export function planeFields(family: Family): PlaneFields {
  const { saddr, daddr } = sideFields(family);
  return {
    saddr,
    daddr,
    destination: { service: [daddr, 'l4proto', 'dport'], node_port: ['l4proto', 'dport'] },
    spot: { service: [daddr, 'dport'], node_port: ['dport'] },
  };
}

/**
 * The sets that are there whatever the Services are. None but constant and dynamic ones has a size: the kernel would set
 * aside memory for all of it at once.
 */
export function planeSets(family: Family): ReadonlyMap<string, SetDefinition> {
  const known = byFamily.get(family);
  if (known !== undefined) return known;
  const sets = new Map(listSets(family).map((set) => [set.name, set]));
  byFamily.set(family, sets);
  return sets;
}

/** Definitions are asked for with every change. */
const byFamily = new Map<Family, ReadonlyMap<string, SetDefinition>>();

function listSets(family: Family): readonly SetDefinition[] {
  const address: DatumType = family === 'IPv4' ? 'ipv4' : 'ipv6';
  const keys: Readonly<Record<Place, readonly DatumType[]>> = {
    service: [address, 'protocol', 'port'],
    node_port: ['protocol', 'port'],
  };
  const spots: Readonly<Record<Place, readonly DatumType[]>> = { service: [address, 'port'], node_port: ['port'] };
  const plain = (name: string, key: readonly DatumType[]): SetDefinition => defineSet({ name, key, size: null });
  return [
    ...['cluster_ips', 'external_ips', 'closed_ips', 'node_port_addresses'].map((name) => plain(name, [address])),
    plain('hairpin', [address, address]),
    plain('restricted', keys.service),
    defineSet({ name: 'sources', key: [...keys.service, address], interval: true }),
    // An index that is 0 in one of n draws: the rules of affinity draw by it.
    defineSet({ name: 'zero', key: ['random'], size: null }),
    ...places.flatMap((place) => [
      ...Object.keys(masquerades).map((who) => plain(masqueradeSet(place, who as Masquerade), keys[place])),
      plain(splitSet(place), keys[place]),
      plain(refusedSet(place, 'reject'), keys[place]),
      plain(refusedSet(place, 'drop'), keys[place]),
    ]),
    ...lanes.flatMap((lane) => [
      ...sizes.map((size) => plain(sizeSet(lane, size), keys[placeOf(lane)])),
      defineSet({ name: stickyMap(lane), key: keys[placeOf(lane)], value: 'verdict', size: null }),
      ...protocols.map((protocol) =>
        defineSet({
          name: slotMap(lane, protocol),
          key: [...spots[placeOf(lane)], 'random'],
          value: [address, portTypes[protocol]],
          size: null,
        }),
      ),
    ]),
  ];
}

/** The clients that are remembered for one back end of a service port with affinity. A dynamic set takes its size as a limit only. */
export function clientsSet(family: Family, name: string): SetDefinition {
  return defineSet({
    name,
    key: [family === 'IPv4' ? 'ipv4' : 'ipv6'],
    dynamic: true,
    timeout: true,
    size: 1_048_576,
  });
}
