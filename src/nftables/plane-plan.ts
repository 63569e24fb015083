import { clientClasses, compareText, formatEndpoint, prefixContains, repeatByWeight } from '../model/mod.ts';
import type { Address, Backend, ClientClass, Family, Frontend, Pool, Prefix, Route, ServiceKey } from '../model/mod.ts';
import { destinationText } from './plane-layout.ts';
import type { Destination } from './plane-layout.ts';
import { largestPool, masqueradeSet, masquerades, refusedSet, splitSet } from './plane-sets.ts';
import type { Masquerade, Place } from './plane-sets.ts';
import type { Target } from './plane-slots.ts';
import { clientsSetsOf, planStickyRules, stickyChainName } from './plane-sticky.ts';
import type { StickyPool } from './plane-sticky.ts';
import type { Statement } from './expression.ts';
import type { Element } from './transaction.ts';

/** What clients of a destination find in a lane: back ends without an order, or the chain of affinity. */
export interface LaneWish {
  readonly targets: readonly Target[];
  readonly sticky: string | null;
}

/** What a destination should come to. Which slot a back end gets depends on what is there. */
export interface DestinationWish {
  readonly destination: Destination;
  /** `destinationText` of it. */
  readonly text: string;
  readonly service: ServiceKey;
  /** Of two wishes for one destination the smaller one has it. */
  readonly precedence: string;
  /** All sets but those of sizes. */
  readonly sets: readonly string[];
  readonly main: LaneWish;
  readonly outside: LaneWish;
  readonly sources: readonly Prefix[];
}

/** An element that several destinations may want. */
export interface SharedElement {
  readonly set: string;
  readonly element: Element;
}

/** Everything that the table should hold for one Service. Very many are kept, so nearly all of their lists are short and plain. */
export interface ServicePlan {
  readonly service: ServiceKey;
  /** Each once. */
  readonly destinations: readonly DestinationWish[];
  /** Each once. */
  readonly shared: readonly SharedElement[];
  /** Rules of the chains of affinity, by name. */
  readonly chains: ReadonlyMap<string, readonly (readonly Statement[])[]>;
  /** Sets of remembered clients. */
  readonly clients: ReadonlySet<string>;
  /** How many elements, rules and sets it has. */
  readonly weight: number;
}

export function emptyPlan(service: ServiceKey): ServicePlan {
  return { service, destinations: [], shared: [], chains: noChains, clients: noClients, weight: 0 };
}

const noChains: ServicePlan['chains'] = new Map();
const noClients: ServicePlan['clients'] = new Set();

export function sharedText({ set, element }: SharedElement): string {
  return [set, ...element.key].join(' ');
}

/** The back ends of a pool, each as often as its weight asks for. */
export type Spread = readonly Target[];

/**
 * What a Service's frontends come to. Pods and processes of the node share a pool, as the view makes it; clients outside may
 * have one of their own. Gives the key of a pool that is too large in place of a plan.
 */
export function planService(
  family: Family,
  service: ServiceKey,
  frontends: readonly Frontend[],
): { readonly plan: ServicePlan } | { readonly tooLarge: string } {
  const destinations = new Map<string, DestinationWish>();
  const shared = new Map<string, SharedElement>();
  const chains = new Map<string, readonly (readonly Statement[])[]>();
  const clients = new Set<string>();
  const spreads = new Map<string, Spread>();
  const share = (set: string, ...key: readonly Address[]): void => {
    const one = { set, element: { key } };
    shared.set(sharedText(one), one);
  };
  for (const frontend of frontends) {
    const { address, protocol, port, kind, exclusive = false } = frontend;
    if (address !== null) share(kind === 'ClusterIP' ? 'cluster_ips' : 'external_ips', address);
    if (address !== null && exclusive) share('closed_ips', address);
    for (const pool of poolsOf(frontend)) {
      if (spreads.has(pool.key)) continue;
      const spread = spreadOf(pool);
      if (spread.length > largestPool) return { tooLarge: pool.key };
      spreads.set(pool.key, spread);
      for (const backend of pool.backends) if (backend.local) share('hairpin', backend.address, backend.address);
      const sticky = stickyPoolOf(frontend, pool, spread);
      if (sticky === null) continue;
      chains.set(sticky.chain, planStickyRules(family, sticky));
      for (const set of clientsSetsOf(sticky)) clients.add(set);
    }
    const destination = { address, protocol, port };
    const text = destinationText(destination);
    if (!destinations.has(text)) destinations.set(text, planDestination(frontend, destination, text, spreads));
  }
  const plan = {
    service,
    destinations: [...destinations.values()],
    shared: [...shared.values()],
    chains: chains.size === 0 ? noChains : chains,
    clients: clients.size === 0 ? noClients : clients,
  };
  return { plan: { ...plan, weight: weigh(plan) } };
}

function weigh({ destinations, chains }: Pick<ServicePlan, 'destinations' | 'chains'>): number {
  let weight = 0;
  for (const { main, outside } of destinations) weight += 4 + main.targets.length + outside.targets.length;
  for (const rules of chains.values()) weight += 4 * rules.length;
  return weight;
}

function poolsOf({ routes }: Frontend): readonly Pool[] {
  return clientClasses.flatMap((client) => {
    const route = routes[client];
    return route.verdict === 'forward' ? [route.pool] : [];
  });
}

function spreadOf({ backends }: Pool): Spread {
  // Nearly all pools have no weights, and there are many.
  if (backends.every(({ weight }) => weight === 1)) return backends;
  return repeatByWeight(backends.map((value): { value: Backend; weight: number } => ({ value, weight: value.weight })));
}

function stickyPoolOf({ affinity, servicePort, protocol }: Frontend, pool: Pool, targets: Spread): StickyPool | null {
  if (affinity === null || targets.length === 0) return null;
  const ordered = targets.toSorted((a, b) => compareText(formatEndpoint(a.address, a.port), formatEndpoint(b.address, b.port)));
  return { chain: stickyChainName(pool.key), servicePort, protocol, timeoutSeconds: affinity.timeoutSeconds, targets: ordered };
}

function planDestination(
  frontend: Frontend,
  destination: Destination,
  text: string,
  spreads: ReadonlyMap<string, Spread>,
): DestinationWish {
  const { service, precedence, id, routes, allowedSources } = frontend;
  const place: Place = destination.address === null ? 'node_port' : 'service';
  const isSplit = !sameWay(routes.node, routes.outside);
  const sets = [
    ...masqueradeSets(place, routes),
    ...refusalSets(place, routes),
    ...(isSplit ? [splitSet(place)] : []),
    ...(allowedSources === null ? [] : ['restricted']),
  ];
  return {
    destination,
    text,
    service,
    precedence: [precedence, id].join(' '),
    sets,
    main: planLane(frontend, routes.node, spreads),
    outside: isSplit ? planLane(frontend, routes.outside, spreads) : noLane,
    sources: allowedSources === null ? [] : widestOf(allowedSources.prefixes),
  };
}

const noLane: LaneWish = { targets: [], sticky: null };

function planLane({ affinity }: Frontend, route: Route, spreads: ReadonlyMap<string, Spread>): LaneWish {
  if (route.verdict !== 'forward') return noLane;
  return affinity === null
    ? { targets: spreads.get(route.pool.key) ?? [], sticky: null }
    : { targets: [], sticky: stickyChainName(route.pool.key) };
}

/** True where both lead to the same back ends, or to none. */
function sameWay(one: Route, other: Route): boolean {
  if (one.verdict !== 'forward' || other.verdict !== 'forward') return one.verdict === other.verdict;
  return one.pool.key === other.pool.key;
}

function masqueradeSets(place: Place, routes: Frontend['routes']): readonly string[] {
  const wanted = clientClasses.filter((client) => {
    const route = routes[client];
    return route.verdict === 'forward' && route.masquerade;
  });
  const all = Object.entries(masquerades) as [Masquerade, readonly ClientClass[]][];
  const one = all.find(([, who]) => who.length === wanted.length && who.every((client) => wanted.includes(client)));
  const chosen = one === undefined ? (wanted as readonly Masquerade[]) : [one[0]];
  return chosen.map((who) => masqueradeSet(place, who));
}

/** What is not translated meets one refusal, whoever sent it: a Service has one reason to refuse at a time (specification 3.3). */
function refusalSets(place: Place, { outside, pod, node }: Frontend['routes']): readonly string[] {
  const refusal = [outside, pod, node].find((route) => route.verdict !== 'forward');
  return refusal === undefined ? [] : [refusedSet(place, refusal.verdict)];
}

/** Without those that another one contains: the kernel takes no ranges that overlap. */
function widestOf(prefixes: readonly Prefix[]): readonly Prefix[] {
  const kept: Prefix[] = [];
  for (const prefix of prefixes.toSorted((a, b) => a.length - b.length || compareText(a.address, b.address))) {
    if (!kept.some((wider) => prefixContains(wider, prefix.address))) kept.push(prefix);
  }
  return kept;
}
