import { protocols } from '../model/mod.ts';
import type { ClientClass, Family, SideClient, Protocol } from '../model/mod.ts';
import { defineSet } from './transaction.ts';
import type { DatumType, SetDefinition, TableName } from './transaction.ts';

/** Everything of ours is in this table of the family, and nothing else. */
export function sideTable(family: Family): TableName {
  return { family: family === 'IPv4' ? 'ip' : 'ip6', name: 'waypost' };
}

/** Numbers in the IP header. */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** Types of ports where the tool insists on the protocol. */
const portTypes: Readonly<Record<Protocol, DatumType>> = { TCP: 'tcp port', UDP: 'udp port', SCTP: 'sctp port' };

export function protocolOfNumber(number: unknown): Protocol | null {
  return number === 6 ? 'TCP' : number === 17 ? 'UDP' : number === 132 ? 'SCTP' : null;
}

export const serviceMap = (client: SideClient): string => `service_${client}`;
export const refusedSet = (client: Exclude<ClientClass, 'node'>): string => `refused_${client}`;
export const nodePortMap = (client: SideClient): string => `node_port_${client}`;
export const stickyChainName = (group: number): string => `sticky_${group}`;
export const clientsMapName = (group: number): string => `sticky_${group}_clients`;
export const loopbackTargetsName = (protocol: Protocol): string => `loopback_targets_${protocol.toLowerCase()}`;
export const loopbackChainName = (targets: number): string => `loopback_${targets}`;

/** Room in the sets of which a node has few elements: the kernel sets aside memory for all of them at once. */
const fewElements = 16_384;

/** The sets that are there whatever the entries are, by name. */
export function fixedSets(family: Family): ReadonlyMap<string, SetDefinition> {
  const address = addressType(family);
  const destination: readonly DatumType[] = [address, 'protocol', 'port'];
  const port: readonly DatumType[] = ['protocol', 'port'];
  const ranges = { interval: true } as const;
  const decisions = (['pod', 'node', 'outside'] as const).flatMap((client) => [
    defineSet({ name: serviceMap(client), key: destination, value: ['mark'] }),
    defineSet({ name: nodePortMap(client), key: port, value: ['mark'], size: fewElements }),
  ]);
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
    ...decisions,
    defineSet({ name: 'captured', key: destination }),
    ...(['pod', 'outside'] as const).map((client) =>
      defineSet({ name: refusedSet(client), key: destination, size: fewElements }),
    ),
    defineSet({ name: 'captured_addresses', key: [address], size: fewElements }),
    defineSet({ name: 'restricted', key: destination, size: fewElements }),
    defineSet({ name: 'sources', key: [...destination, address], ...ranges }),
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

/** The memory of a sticky group: client address to the mark of the server it was sent to. */
export function clientsMap(family: Family, group: number): SetDefinition {
  return defineSet({ name: clientsMapName(group), key: [addressType(family)], value: ['mark'], dynamic: true, timeout: true });
}

function addressType(family: Family): DatumType {
  return family === 'IPv4' ? 'ipv4' : 'ipv6';
}
