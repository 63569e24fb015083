import { protocols } from '../model/mod.ts';
import type { Family, SideClient, Protocol } from '../model/mod.ts';
import { defineSet } from './transaction.ts';
import type { DatumType, SetDefinition, TableName } from './transaction.ts';

/** Everything of ours is in this table of the family, and nothing else. */
export function sideTable(family: Family): TableName {
  return { family: family === 'IPv4' ? 'ip' : 'ip6', name: 'waypost' };
}

/** Types of ports where the tool insists on the protocol. */
const portTypes: Readonly<Record<Protocol, DatumType>> = { TCP: 'tcp port', UDP: 'udp port', SCTP: 'sctp port' };

export function protocolOfNumber(number: unknown): Protocol | null {
  return number === 6 ? 'TCP' : number === 17 ? 'UDP' : number === 132 ? 'SCTP' : null;
}

/** In the order in which tables have them. */
export const sideClients: readonly SideClient[] = ['pod', 'node', 'outside', 'peer'];
/** Whose rejections stand in sets besides, see `planCapture`. */
const refusedClients = ['pod', 'outside', 'peer'] as const;
type RefusedClient = (typeof refusedClients)[number];

export const serviceMap = (client: SideClient): string => `service_${client}`;
export const serviceRanges = (client: SideClient): string => `service_ranges_${client}`;
export const nodePortMap = (client: SideClient): string => `node_port_${client}`;
export const nodePortRanges = (client: SideClient): string => `node_port_ranges_${client}`;
export const refusedSet = (client: RefusedClient): string => `refused_${client}`;
export const refusedRanges = (client: RefusedClient): string => `refused_ranges_${client}`;
export const stickyChainName = (group: number): string => `sticky_${group}`;
export const clientsMapName = (group: number): string => `sticky_${group}_clients`;
export const loopbackTargetsName = (protocol: Protocol): string => `loopback_targets_${protocol.toLowerCase()}`;
export const loopbackChainName = (targets: number): string => `loopback_${targets}`;
/** Null: what the route takes. */
export const clampChainName = (size: number | null): string => `clamp_${size ?? 'route'}`;

/** Room in the sets of which a node has few elements: the kernel sets aside memory for all of them at once. */
const fewElements = 16_384;

/** The sets that are there whatever the entries are, by name. */
export function fixedSets(family: Family): ReadonlyMap<string, SetDefinition> {
  const address = addressType(family);
  const destination: readonly DatumType[] = [address, 'protocol', 'port'];
  const port: readonly DatumType[] = ['protocol', 'port'];
  const ranges = { interval: true } as const;
  const loopback = [
    defineSet({ name: 'loopback', key: port, value: 'verdict', size: fewElements }),
    ...protocols.map((protocol) => {
      const type = portTypes[protocol];
      return defineSet({
        name: loopbackTargetsName(protocol),
        key: ['port', 'random'],
        value: [address, type],
        size: fewElements,
      });
    }),
    defineSet({ name: 'loopback_refused', key: port, size: fewElements }),
  ];
  const sets = [
    ...decisionSets(destination, port),
    ...rewriteSets(address, destination),
    defineSet({ name: 'captured', key: destination }),
    defineSet({ name: 'captured_ranges', key: destination, ...ranges }),
    defineSet({ name: 'captured_addresses', key: [address], size: fewElements }),
    defineSet({ name: 'closed', key: [address], size: fewElements }),
    defineSet({ name: 'restricted', key: destination, size: fewElements }),
    defineSet({ name: 'restricted_ranges', key: destination, ...ranges }),
    defineSet({ name: 'sources', key: [...destination, address], ...ranges }),
    defineSet({ name: 'source_ranges', key: [...destination, address], ...ranges }),
    defineSet({ name: 'peers', key: [address], size: fewElements }),
    defineSet({ name: 'peer_links', key: ['link'], size: fewElements }),
    defineSet({ name: 'lanes', key: ['mark'] }),
    defineSet({ name: 'masqueraded_lanes', key: ['mark'] }),
    defineSet({ name: 'hairpin', key: [address, address], size: fewElements }),
    defineSet({ name: 'protected', key: [address], ...ranges }),
    defineSet({ name: 'node_port_addresses', key: [address], size: fewElements }),
    defineSet({ name: 'sticky', key: ['mark'], value: 'verdict', size: fewElements }),
    defineSet({ name: 'picks', key: ['mark', 'random'], value: ['mark'] }),
    defineSet({ name: 'live', key: ['mark'] }),
    defineSet({ name: 'records', key: ['mark', 'mark'] }),
    ...(family === 'IPv4' ? loopback : []),
  ];
  return new Map(sets.map((set) => [set.name, set]));
}

/** Exact ones are in hash tables; ranges, which are slower to change and to look up, in sets of their own. */
function decisionSets(destination: readonly DatumType[], port: readonly DatumType[]): readonly SetDefinition[] {
  return [
    ...sideClients.flatMap((client) => [
      defineSet({ name: serviceMap(client), key: destination, value: ['mark'] }),
      defineSet({ name: serviceRanges(client), key: destination, value: ['mark'], interval: true }),
      defineSet({ name: nodePortMap(client), key: port, value: ['mark'], size: fewElements }),
      defineSet({ name: nodePortRanges(client), key: port, value: ['mark'], interval: true }),
    ]),
    ...refusedClients.flatMap((client) => [
      defineSet({ name: refusedSet(client), key: destination, size: fewElements }),
      defineSet({ name: refusedRanges(client), key: destination, interval: true }),
    ]),
  ];
}

function rewriteSets(address: DatumType, destination: readonly DatumType[]): readonly SetDefinition[] {
  const few = { size: fewElements } as const;
  return [
    defineSet({ name: 'rewrites', key: destination, value: ['port'], ...few }),
    defineSet({ name: 'answers', key: destination, value: ['port'], ...few }),
    defineSet({ name: 'hidden_ports', key: destination, ...few }),
    defineSet({ name: 'rewrite_protocols', key: ['protocol'], value: 'verdict', ...few }),
    defineSet({ name: 'restore_protocols', key: ['protocol'], value: 'verdict', ...few }),
    defineSet({ name: 'clamps', key: [address], value: 'verdict', ...few }),
  ];
}

/** The memory of a sticky group: client address to the mark of the server it was sent to. */
export function clientsMap(family: Family, group: number): SetDefinition {
  return defineSet({ name: clientsMapName(group), key: [addressType(family)], value: ['mark'], dynamic: true, timeout: true });
}

function addressType(family: Family): DatumType {
  return family === 'IPv4' ? 'ipv4' : 'ipv6';
}
