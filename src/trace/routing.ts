import { addressBytes, findLongest, formatPrefix, isLoopback } from '../model/mod.ts';
import type { Address, Family, TraceEffect, TraceHost } from '../model/mod.ts';
import type { LocalAddress, Route, RoutingRule } from '../netlink/mod.ts';

/** Routes, rules and addresses of one family, as the kernel lists them. */
export interface RoutingState {
  readonly family: Family;
  /** Of all tables. */
  readonly routes: readonly Route[];
  readonly rules: readonly RoutingRule[];
  readonly addresses: readonly LocalAddress[];
}

/** Where a packet goes. */
export type RouteAnswer =
  | { readonly to: 'local'; readonly route: Route; readonly how: RouteText }
  | { readonly to: 'device'; readonly device: string; readonly route: Route; readonly how: RouteText }
  | { readonly to: 'nowhere'; readonly how: RouteText };

/** For a step. */
export interface RouteText {
  readonly place: string;
  readonly text: string;
  readonly effects: readonly TraceEffect[];
}

export interface Routing extends TraceHost {
  lookup(destination: Address, mark: number): RouteAnswer;
  /** The address that a process of the node sends from; null where it has none. */
  sourceFor(destination: Address): Address | null;
}

const localTable = 255;
const universe = 0;

/** Looks routes up as the kernel does: rules by priority, in each table the longest prefix, of equal ones the first listed. */
export function createRouting(state: RoutingState): Routing {
  const { family, addresses } = state;
  const tables = Map.groupBy(state.routes, ({ table }) => table);
  const rules = state.rules.toSorted((a, b) => a.priority - b.priority);
  const lookup = (destination: Address, mark: number): RouteAnswer => {
    const skipped: TraceEffect[] = [];
    for (const rule of rules) {
      if (rule.mark !== null && (mark & rule.mark.mask) >>> 0 !== rule.mark.value) continue;
      const route = findLongest(tables.get(rule.table) ?? [], destination);
      if (rule.further) {
        if (route !== null)
          skipped.push({ kind: 'unknown', reason: `routing rule ${rule.priority} asks for more than is known here` });
        continue;
      }
      if (route !== null) return answer(route, rule, skipped);
    }
    const effects: readonly TraceEffect[] = [...skipped, { kind: 'unroutable', reason: `there is no route to ${destination}` }];
    return { to: 'nowhere', how: { place: 'routing', text: `no route to ${destination}`, effects } };
  };
  const addressType: TraceHost['addressType'] = (address) => {
    const local = findLongest(tables.get(localTable) ?? [], address);
    if (local?.type === 'local' || (family === 'IPv4' && isLoopback(address))) return 'local';
    return lookup(address, 0).to === 'nowhere' ? 'unreachable' : 'unicast';
  };
  const addressOn = (device: string, destination: Address): Address | null =>
    chooseAddress(addresses, family, device, destination);
  return {
    family,
    lookup,
    addressType,
    masqueradeAddress: (destination, outDevice) => addressOn(outDevice, destination),
    sourceFor(destination) {
      const found = lookup(destination, 0);
      // Of a whole range that is local only the route knows an address that is the node's.
      if (found.to === 'local') return found.route.source ?? destination;
      return found.to === 'device' ? (found.route.source ?? addressOn(found.device, destination)) : null;
    },
  };
}

function answer(route: Route, rule: RoutingRule, skipped: readonly TraceEffect[]): RouteAnswer {
  const { type, device, gateway } = route;
  const mark = rule.mark === null ? '' : ` fwmark 0x${rule.mark.value.toString(16)}/0x${rule.mark.mask.toString(16)}`;
  const place = `routing rule ${rule.priority}${mark} table ${nameTable(rule.table)}`;
  const how = (effect: TraceEffect): RouteText => ({ place, text: renderRoute(route), effects: [...skipped, effect] });
  if (type === 'local') return { to: 'local', route, how: how({ kind: 'route', device: null, gateway: null }) };
  if (type === 'unicast' && device !== null) return { to: 'device', device, route, how: how({ kind: 'route', device, gateway }) };
  const reason = type === 'other' ? 'the route is of a kind that carries no connections' : `the route is of type ${type}`;
  return { to: 'nowhere', how: how({ kind: 'unroutable', reason }) };
}

function nameTable(table: number): string {
  return table === localTable ? 'local' : table === 254 ? 'main' : table === 253 ? 'default' : String(table);
}

function renderRoute({ type, destination, gateway, device, source }: Route): string {
  return [
    ...(type === 'unicast' ? [] : [type]),
    destination.length === 0 ? 'default' : formatPrefix(destination),
    ...(gateway === null ? [] : ['via', gateway]),
    ...(device === null ? [] : ['dev', device]),
    ...(source === null ? [] : ['src', source]),
  ].join(' ');
}

/**
 * The address that something leaving through a device gets. IPv4 takes the device's first, one of the destination's network
 * before others, and where the device has none the first of any other (`inet_select_addr`). IPv6 takes the destination
 * itself where it is the node's, else of the device's the one that has most leading bits with it, deprecated ones last
 * (RFC 6724).
 */
function chooseAddress(addresses: readonly LocalAddress[], family: Family, device: string, destination: Address): Address | null {
  const wide = addresses.filter(({ scope, address }) => scope === universe && !isLoopback(address));
  if (family === 'IPv6' && addresses.some(({ address }) => address === destination)) return destination;
  const own = wide.filter((one) => one.device === device);
  const candidates = own.length > 0 ? own : wide;
  const [first] = candidates;
  if (first === undefined) return null;
  if (family === 'IPv6') {
    const worth = (one: LocalAddress): number => (one.deprecated === true ? -1 : commonBits(one.address, destination));
    return candidates.reduce((best, one) => (worth(one) > worth(best) ? one : best)).address;
  }
  return (own.find(({ address, length }) => commonBits(address, destination) >= length) ?? first).address;
}

function commonBits(one: Address, other: Address): number {
  const others = addressBytes(other);
  let bits = 0;
  for (const [index, byte] of addressBytes(one).entries()) {
    const difference = byte ^ (others[index] ?? 0);
    if (difference !== 0) return bits + Math.clz32(difference) - 24;
    bits += 8;
  }
  return bits;
}
