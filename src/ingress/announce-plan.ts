import { addressBits, hostPrefix, parsePrefix, prefixContains } from '../model/mod.ts';
import type { Address, Family, Prefix, Problem } from '../model/mod.ts';
import type { LocalAddress, NetworkInterface, ProxyNeighbour, Route } from '../netlink/mod.ts';

/** RTPROT_* number of what is ours, on routes and on proxy neighbours. */
const ownProtocol = 87;
const mainTable = 254;
const linkScope = 253;

/** What is in the kernel that announcing has to do with. */
export interface AnnounceFacts {
  readonly family: Family;
  readonly interfaces: readonly NetworkInterface[];
  readonly addresses: readonly LocalAddress[];
  readonly proxies: readonly ProxyNeighbour[];
  /** Of the main table. */
  readonly routes: readonly Route[];
}

/** Where an address is answered for. */
export interface AnnouncePlace {
  readonly address: Address;
  readonly index: number;
  readonly device: string;
  readonly hardware: Uint8Array;
  /** What advertisements of IPv6 come from. */
  readonly greetFrom: Address | null;
}

/**
 * A kernel parameter, by its path below /proc/sys. `require`: it is somebody else's to set. `reset`: to the value
 * of the second path.
 */
export type Parameter =
  | { readonly kind: 'require'; readonly path: string; readonly value: number }
  | { readonly kind: 'set'; readonly path: string; readonly value: number }
  | { readonly kind: 'reset'; readonly path: string; readonly from: string };

export interface AnnouncePlan {
  readonly places: readonly AnnouncePlace[];
  readonly addRoutes: readonly Route[];
  readonly removeRoutes: readonly Route[];
  readonly addProxies: readonly ProxyNeighbour[];
  readonly removeProxies: readonly ProxyNeighbour[];
  readonly parameters: readonly Parameter[];
  /** Addresses that cannot be answered for. */
  readonly refused: ReadonlyMap<Address, Problem>;
}

/** Networks in which this node can answer for addresses: it is on them, or the configuration names interfaces for all others. */
export function listNetworks({ family, interfaces, addresses }: AnnounceFacts, devices: readonly string[]): readonly Prefix[] {
  const usable = new Map(interfaces.filter(isUsable).map((link) => [link.name, link]));
  const connected = addresses.flatMap((local) => (usable.has(local.device) ? networkOf(local) : []));
  const anywhere: Prefix = { family, address: (family === 'IPv4' ? '0.0.0.0' : '::') as Address, length: 0 };
  const all = devices.some((name) => usable.has(name)) ? [anywhere] : [];
  return [...new Map([...connected, ...all].map((prefix) => [`${prefix.address}/${prefix.length}`, prefix])).values()];
}

/**
 * What makes the kernel answer for `owned` and for nothing else of ours; for `kept` it goes on doing what it does.
 *
 * IPv4 answers for a proxy neighbour only if the address is routed over another interface than the one it was asked on
 * (net/ipv4/arp.c, arp_process), hence a route over loopback; whatever is not captured of such an address must be dropped when
 * it is forwarded, or it goes round on loopback until its time to live is used up. IPv6 needs no route.
 */
export function planAnnounce(
  facts: AnnounceFacts,
  owned: readonly Address[],
  kept: readonly Address[],
  devices: readonly string[],
): AnnouncePlan {
  const refused = new Map<Address, Problem>();
  const places: AnnouncePlace[] = [];
  const routes = new Map<string, Route>();
  for (const address of owned) {
    const found = placeAddress(facts, address, devices);
    if ('code' in found) {
      refused.set(address, found);
      continue;
    }
    places.push(...found.places);
    if (facts.family === 'IPv4') routes.set(address, routeTo(address, found.source));
  }
  const keeps = new Set(kept);
  const ours = facts.proxies.filter(isOurs);
  const ourRoutes = facts.routes.filter(isOurRoute);
  const wanted = new Set(places.map(keyOf));
  const present = new Set(facts.proxies.map(keyOf));
  const removeProxies = ours.filter((proxy) => !wanted.has(keyOf(proxy)) && !keeps.has(proxy.address));
  return {
    places,
    addProxies: places.filter((place) => !present.has(keyOf(place))).map(proxyAt),
    removeProxies,
    addRoutes: [...routes.values()].filter((route) => !ourRoutes.some((other) => isSameRoute(route, other))),
    removeRoutes: ourRoutes.filter(({ destination: { address } }) => !routes.has(address) && !keeps.has(address)),
    parameters: [...listSettings(facts, places), ...listResets(facts, places, removeProxies)],
    refused,
  };
}

interface Found {
  readonly places: readonly AnnouncePlace[];
  readonly source: Address | null;
}

function placeAddress(facts: AnnounceFacts, address: Address, devices: readonly string[]): Found | Problem {
  const local = facts.addresses.find((each) => each.address === address);
  if (local !== undefined) {
    const message = `${address} is an address of ${local.device} on this node, which answers for it itself: it is not announced`;
    return { code: 'WP_INGRESS_ANNOUNCE_LOCAL', message };
  }
  const usable = facts.interfaces.filter(isUsable);
  const [nearest] = facts.addresses
    .flatMap((each) => networkOf(each).map((network) => ({ network, source: each.address, device: each.device })))
    .filter(({ network, device }) => prefixContains(network, address) && usable.some(({ name }) => name === device))
    .toSorted((a, b) => b.network.length - a.network.length);
  const names = nearest === undefined ? devices : [nearest.device];
  const links = usable.filter(({ name }) => names.includes(name));
  const places = links.map((link): AnnouncePlace => placeOn(facts, address, link));
  const foreign = facts.proxies.find((proxy) => places.some((place) => keyOf(place) === keyOf(proxy)) && !isOurs(proxy));
  if (foreign !== undefined) {
    const message = `somebody else made a proxy neighbour ${address} on interface ${foreign.index}: it is left alone and not announced`;
    return { code: 'WP_INGRESS_ANNOUNCE_FOREIGN', message };
  }
  if (places.length > 0) return { places, source: nearest?.source ?? null };
  const message = `${address} is in the network of no interface that is up, and ingress.announce.interfaces names none that is: it is not announced`;
  return { code: 'WP_INGRESS_ANNOUNCE_INTERFACE', message };
}

function placeOn({ addresses }: AnnounceFacts, address: Address, link: Usable): AnnouncePlace {
  const own = addresses.filter(({ device }) => device === link.name);
  const greetFrom = own.find(({ scope }) => scope === linkScope) ?? own[0];
  return { address, index: link.index, device: link.name, hardware: link.hardware, greetFrom: greetFrom?.address ?? null };
}

type Usable = NetworkInterface & { readonly hardware: Uint8Array };

function isUsable(link: NetworkInterface): link is Usable {
  return link.running && link.hardware !== null;
}

/** The network of an address of an interface; none for a link-local one, and where the address stands alone. */
function networkOf({ address, length, scope }: LocalAddress): readonly Prefix[] {
  const prefix = scope === linkScope ? null : parsePrefix(`${address}/${length}`);
  return prefix === null || length >= addressBits(prefix.family) ? [] : [prefix];
}

/** An answer at once: the delay, drawn from 0 to 0.8 s, is for several proxies of one address (RFC 4861, 7.2.8), and here is one. */
function listSettings({ family }: AnnounceFacts, places: readonly AnnouncePlace[]): readonly Parameter[] {
  const devices = [...new Set(places.map(({ device }) => device))];
  const delays = devices.map((device) => ({ kind: 'set', path: delayPath(family, device), value: 0 }) as const);
  // Of `all` and not of the interface: what is asked of the address itself, and not of its group, is looked up by that
  // alone (net/ipv6/ip6_output.c, ip6_forward), and clients check the neighbours they have in this way.
  const proxies: readonly Parameter[] =
    family === 'IPv4' || places.length === 0 ? [] : [{ kind: 'set', path: proxyPath('all'), value: 1 }];
  const forwarding = devices.map((device) => ({ kind: 'require', path: forwardingPath(family, device), value: 1 }) as const);
  return [...forwarding, ...delays, ...proxies];
}

/**
 * Parameters of interfaces that nobody has proxy neighbours on any more. The delay becomes what it is on loopback, which nobody
 * has a reason to change; `default` is there in the first network namespace only.
 */
function listResets(
  { family, interfaces, proxies }: AnnounceFacts,
  places: readonly AnnouncePlace[],
  removed: readonly ProxyNeighbour[],
): readonly Parameter[] {
  const gone = new Set(removed.map(keyOf));
  const left = [...proxies.filter((proxy) => !gone.has(keyOf(proxy))), ...places];
  const idle = interfaces.filter(
    ({ index }) => removed.some((proxy) => proxy.index === index) && !left.some((each) => each.index === index),
  );
  const delays = idle.map(
    ({ name }) => ({ kind: 'reset', path: delayPath(family, name), from: delayPath(family, 'lo') }) as const,
  );
  const none = family === 'IPv6' && removed.length > 0 && left.length === 0;
  return none ? [...delays, { kind: 'reset', path: proxyPath('all'), from: proxyPath('default') }] : delays;
}

function delayPath(family: Family, device: string): string {
  return `net/${family === 'IPv4' ? 'ipv4' : 'ipv6'}/neigh/${device}/proxy_delay`;
}

/** Neither family answers for another's address where it does not forward. */
function forwardingPath(family: Family, device: string): string {
  return `net/${family === 'IPv4' ? 'ipv4' : 'ipv6'}/conf/${device}/forwarding`;
}

function proxyPath(device: string): string {
  return `net/ipv6/conf/${device}/proxy_ndp`;
}

function routeTo(address: Address, source: Address | null): Route {
  const destination = hostPrefix(address);
  return { destination, table: mainTable, type: 'unicast', device: 'lo', source, gateway: null, protocol: ownProtocol };
}

function isOurRoute({ destination, table, type, device, protocol }: Route): boolean {
  const whole = destination.length === addressBits(destination.family);
  return protocol === ownProtocol && table === mainTable && type === 'unicast' && device === 'lo' && whole;
}

function isSameRoute(one: Route, other: Route): boolean {
  return one.destination.address === other.destination.address && one.source === other.source;
}

function isOurs({ protocol }: ProxyNeighbour): boolean {
  return protocol === ownProtocol;
}

function proxyAt({ address, index }: AnnouncePlace): ProxyNeighbour {
  return { address, index, protocol: ownProtocol };
}

function keyOf({ index, address }: Pick<ProxyNeighbour, 'index' | 'address'>): string {
  return `${index} ${address}`;
}
