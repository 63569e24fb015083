import { fail, familyOf, parseAddress, succeed } from '../model/mod.ts';
import type { Address, Family, Outcome, SentPacket, StatusRow } from '../model/mod.ts';
import type { Routing } from '../trace/mod.ts';
import { describePort, findServicePorts } from './agent-names.ts';
import type { Destination } from './agent-names.ts';
import type { TraceDestination, TraceSource } from './trace-target.ts';

/**
 * Stand for somebody outside: of the ranges for benchmarks (RFC 2544, RFC 5180), which no rule and no route names.
 */
const outsideAddress: Readonly<Record<Family, Address>> = { IPv4: '198.18.0.1' as Address, IPv6: '2001:2::1' as Address };

/** The addresses a source may stand for before the family is known. */
export type SourceAddresses =
  | Exclude<TraceSource, { kind: 'pod' }>
  | { readonly kind: 'pod'; readonly addresses: readonly Address[] };

/**
 * Decides what the packet is sent to: an address as it is, a Service by the rows of the running agent, in a family that the
 * source has. Fails with `WP_TRACE_DESTINATION`, or with `WP_TRACE_FAMILY` where the two have no family in common.
 */
export function resolveDestination(
  asked: TraceDestination,
  source: SourceAddresses,
  wanted: Family | null,
  rows: readonly StatusRow[],
): Outcome<Destination> {
  const possible = (['IPv4', 'IPv6'] as const).filter(
    (family) => (wanted === null || family === wanted) && hasFamily(source, family),
  );
  if (asked.kind === 'address') {
    const family = familyOf(asked.address);
    if (!possible.includes(family)) return noFamily(source, wanted, `${asked.address} is an ${family} address`);
    return succeed({ family, protocol: asked.protocol ?? 'TCP', address: asked.address, port: asked.port });
  }
  const found = findServicePorts(rows, asked);
  const usable = possible.map((family) => found.filter((row) => row.family === family)).find((some) => some.length > 0);
  if (usable === undefined) return noService(asked, found, source, wanted, rows);
  const [row, ...others] = usable;
  const address = row === undefined ? null : parseAddress(row.address);
  if (row === undefined || address === null) return noService(asked, found, source, wanted, rows);
  if (others.length > 0) {
    const names = usable.map(describePort).join(', ');
    return fail('WP_TRACE_DESTINATION', `DESTINATION ${asked.name} has several ports, so name one, and its protocol: ${names}`);
  }
  return succeed({ family: row.family, protocol: row.protocol, address, port: row.port });
}

function hasFamily(source: SourceAddresses, family: Family): boolean {
  if (source.kind === 'address') return familyOf(source.address) === family;
  return source.kind !== 'pod' || source.addresses.some((address) => familyOf(address) === family);
}

function noFamily(source: SourceAddresses, wanted: Family | null, what: string): Outcome<Destination> {
  const addresses =
    source.kind === 'address' ? source.address : source.kind === 'pod' ? source.addresses.join(', ') : source.kind;
  const option = wanted === null ? '' : `, and --family is ${wanted}`;
  return fail('WP_TRACE_FAMILY', `SOURCE and DESTINATION must be of one family: ${what}, SOURCE is ${addresses}${option}`);
}

function noService(
  { name, port, protocol }: Extract<TraceDestination, { kind: 'service' }>,
  found: readonly StatusRow[],
  source: SourceAddresses,
  wanted: Family | null,
  rows: readonly StatusRow[],
): Outcome<Destination> {
  if (found.length > 0) return noFamily(source, wanted, `${name} has ${found.map(describePort).join(', ')}`);
  const ports = rows.filter((row) => row.service === name && row.kind === 'ClusterIP');
  if (ports.length === 0) {
    return fail('WP_TRACE_DESTINATION', `DESTINATION ${name}: the running agent serves no Service of that name with a ClusterIP`);
  }
  const which = [port === null ? '' : ` port ${port}`, protocol === null ? '' : ` over ${protocol}`].join('');
  return fail('WP_TRACE_DESTINATION', `DESTINATION ${name} has no${which}; it has ${ports.map(describePort).join(', ')}`);
}

export interface PacketOptions {
  /** Where it arrives in place of where its source is routed to. */
  readonly device: string | null;
  readonly sourcePort: number;
  readonly mark: number;
}

/** The packet as this node meets it: who has an address of the node is one of its processes. Fails with `WP_TRACE_SOURCE`. */
export function makePacket(
  source: SourceAddresses,
  { family, protocol, address: destination, port }: Destination,
  routing: Routing,
  { device, sourcePort, mark }: PacketOptions,
): Outcome<Pick<SentPacket, 'packet' | 'inDevice' | 'mark'>> {
  const found = findSource(source, family, destination, routing);
  if (!found.ok) return found;
  const address = found.value;
  const packet = { family, protocol, source: address, sourcePort, destination, destinationPort: port };
  if (device !== null) return succeed({ packet, inDevice: device, mark });
  if (routing.addressType(address) === 'local') return succeed({ packet, inDevice: null, mark });
  const back = routing.lookup(address, 0);
  if (back.to !== 'device') {
    const reason = `${source.kind === 'outside' ? 'this node has no default route' : `this node has no route to ${address}`}`;
    return fail(
      'WP_TRACE_SOURCE',
      `SOURCE: ${reason} in ${family}, so where the packet arrives is not known: name it with --device`,
    );
  }
  return succeed({ packet, inDevice: back.device, mark });
}

function findSource(source: SourceAddresses, family: Family, destination: Address, routing: Routing): Outcome<Address> {
  switch (source.kind) {
    case 'address':
      return succeed(source.address);
    case 'pod': {
      const own = source.addresses.find((address) => familyOf(address) === family);
      return own === undefined ? fail('WP_TRACE_SOURCE', `SOURCE: the pod has no ${family} address`) : succeed(own);
    }
    case 'outside':
      return succeed(outsideAddress[family]);
    case 'node': {
      const own = routing.sourceFor(destination);
      return own === null
        ? fail('WP_TRACE_SOURCE', `SOURCE node: this node has no route to ${destination}, or no address to send from`)
        : succeed(own);
    }
  }
}
