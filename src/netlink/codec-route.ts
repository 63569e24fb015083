import { addressBytes } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { walkAttributes, writeAttribute } from './attributes.ts';
import { readU32 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';
import { familyNumbers, readAddressAt } from './ip-family.ts';
import type { Message } from './message.ts';
import type { Route } from './route-port.ts';

/** `RTM_*ROUTE` (uapi/linux/rtnetlink.h). */
export const routeTypes = { new: 24, delete: 25, get: 26 } as const;

/** `RTA_*`. */
const attribute = { destination: 1, outInterface: 4, gateway: 5, priority: 6, preferredSource: 7, table: 15 } as const;

/** `RTN_*` with a name of our own. */
const typeNumbers: Readonly<Record<Exclude<Route['type'], 'other'>, number>> = {
  unicast: 1,
  local: 2,
  blackhole: 6,
  unreachable: 7,
};
const typeNames: ReadonlyMap<number, Route['type']> = new Map(
  Object.entries(typeNumbers).map(([name, number]) => [number, name as Route['type']]),
);

/** `RT_SCOPE_*`: how far away the destination is. IPv6 has none. */
const scope = { universe: 0, link: 253, host: 254, nowhere: 255 } as const;

/** `RTM_F_CLONED`: an exception that the kernel has learnt, and no route of the table. */
const clonedFlag = 0x2_00;

const headerLength = 12;
/** What fits the header; greater numbers of tables stand in an attribute only. */
const compatTable = 252;

/** A route as the kernel tells it: of the interface only the number, and what tells routes to one prefix apart. */
export interface KernelRoute extends Omit<Route, 'device'> {
  readonly index: number | null;
  /** The metric; IPv4 has 0 and IPv6 1024 where none was given. */
  readonly priority: number;
}

/** The payload that asks for the routes of a family, of one table where the kernel is able to filter. */
export function writeRouteQuery(writer: ByteWriter, family: Family, table: number | null): void {
  writer.u8(familyNumbers[family]);
  writer.bytes(new Uint8Array(headerLength - 1));
  if (table !== null) writeAttribute(writer, attribute.table, () => writer.u32(table));
}

/** The payload that adds a route, or with `verb` `delete` that removes it, whatever its source is. Throws for a type without a name. */
export function writeRoute(writer: ByteWriter, family: Family, route: KernelRoute, verb: 'add' | 'delete'): void {
  const { destination, table, type, source, gateway, protocol, index, priority } = route;
  if (type === 'other') throw new RangeError('a route of another type cannot be written');
  writer.u8(familyNumbers[family]);
  writer.u8(destination.length);
  writer.u8(0);
  writer.u8(0);
  writer.u8(table <= 0xff ? table : compatTable);
  // In a deletion too: it keeps the kernel from taking somebody else's route to the same prefix.
  writer.u8(protocol);
  writer.u8(verb === 'delete' ? scope.nowhere : scopeOf(family, route));
  writer.u8(typeNumbers[type]);
  writer.u32(0);
  writeAttribute(writer, attribute.destination, () => writer.bytes(addressBytes(destination.address)));
  writeAttribute(writer, attribute.table, () => writer.u32(table));
  if (priority !== 0) writeAttribute(writer, attribute.priority, () => writer.u32(priority));
  // The kernel of IPv6 does not look at the source in a deletion; so none of the families is asked to.
  if (source !== null && verb === 'add')
    writeAttribute(writer, attribute.preferredSource, () => writer.bytes(addressBytes(source)));
  if (gateway !== null) writeAttribute(writer, attribute.gateway, () => writer.bytes(addressBytes(gateway)));
  if (index !== null) writeAttribute(writer, attribute.outInterface, () => writer.u32(index));
}

function scopeOf(family: Family, { type, gateway }: KernelRoute): number {
  if (family === 'IPv6') return scope.universe;
  if (type === 'local') return scope.host;
  return type === 'unicast' && gateway === null ? scope.link : scope.universe;
}

/** The route that a message of type `routeTypes.new` describes; null where it is none of a table of the family. */
export function readRoute(view: DataView, { start, end }: Message, family: Family): KernelRoute | null {
  if (end - start < headerLength || view.getUint8(start) !== familyNumbers[family]) return null;
  if ((readU32(view, start + 8) & clonedFlag) !== 0) return null;
  const length = view.getUint8(start + 1);
  const found = {
    destination: anywhere(family) as Address | null,
    source: null as Address | null,
    gateway: null as Address | null,
  };
  const numbers = { table: view.getUint8(start + 4), index: null as number | null, priority: 0 };
  walkAttributes(view, start + headerLength, end, (type, from, to) => {
    if (type === attribute.destination) found.destination = readAddressAt(view, from, to, family);
    else if (type === attribute.preferredSource) found.source = readAddressAt(view, from, to, family);
    else if (type === attribute.gateway) found.gateway = readAddressAt(view, from, to, family);
    else if (to - from < 4) return;
    else if (type === attribute.table) numbers.table = readU32(view, from);
    else if (type === attribute.priority) numbers.priority = readU32(view, from);
    else if (type === attribute.outInterface) numbers.index = readU32(view, from);
  });
  const { destination, source, gateway } = found;
  if (destination === null) return null;
  const type = typeNames.get(view.getUint8(start + 7)) ?? 'other';
  return {
    destination: { family, address: destination, length },
    table: numbers.table,
    type,
    // IPv6 gives routes that lead nowhere to the loopback interface, IPv4 to none.
    index: type === 'blackhole' || type === 'unreachable' ? null : numbers.index,
    source,
    gateway,
    protocol: view.getUint8(start + 5),
    priority: numbers.priority,
  };
}

/** The default route has no destination. */
function anywhere(family: Family): Address {
  return (family === 'IPv4' ? '0.0.0.0' : '::') as Address;
}
