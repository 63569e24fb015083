import { clientClasses, hostPrefix, isLoopback, markOfServer, prefixContains, sideKey } from '../model/mod.ts';
import type { Address, Frontend, Pool, Route, ServiceKey, SideDecision, SideEntry } from '../model/mod.ts';
import { chooseScheduler, planDestinations, planDrain, planSticky } from './plan-servers.ts';
import { repeatByWeight } from './plan-spread.ts';
import { spotOf } from './plan-spots.ts';
import type { Plan, PlanContext, ServerWish, Spot } from './plan-types.ts';
import { recordEntry } from './records.ts';
import { keyOfWish } from './routes.ts';
import type { RouteWish } from './routes.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { Destination, ServerKey } from './virtual-server.ts';

/** A plan that is being written. */
interface Draft {
  readonly service: ServiceKey;
  readonly context: PlanContext;
  readonly servers: Map<string, ServerWish>;
  readonly entries: Map<string, SideEntry>;
  readonly routes: Map<string, RouteWish>;
  readonly spots: Map<string, Spot>;
  /** By pool key: several servers hold one pool. */
  readonly destinations: Map<string, ReadonlyMap<string, Destination>>;
}

/** A decision and the servers it leads to. */
interface Led {
  readonly decision: SideDecision;
  readonly servers: readonly string[];
}

/**
 * Frontends to virtual servers, side entries and routes. A frontend with an address and without affinity has a server
 * at that address; whatever cannot go by address (node ports, a second pool, affinity) goes by mark.
 */
export function planService(service: ServiceKey, frontends: readonly Frontend[], context: PlanContext): Plan {
  const draft: Draft = {
    service,
    context,
    servers: new Map(),
    entries: new Map(),
    routes: new Map(),
    spots: new Map(),
    destinations: new Map(),
  };
  for (const frontend of pickOwned(service, frontends, context)) planFrontend(draft, frontend);
  const { servers, entries, routes, spots } = draft;
  return { id: service, service, servers, entries, routes, spots };
}

/** One frontend for each destination of clients: the first one routes, whoever restricts sources restricts them. */
function pickOwned(service: ServiceKey, frontends: readonly Frontend[], context: PlanContext): Iterable<Frontend> {
  const picked = new Map<string, Frontend>();
  for (const frontend of frontends) {
    const spot = spotOf(frontend);
    if (!context.owns(spot, service)) continue;
    const first = picked.get(spot);
    if (first === undefined) picked.set(spot, frontend);
    else if (first.allowedSources === null) picked.set(spot, { ...first, allowedSources: frontend.allowedSources });
  }
  return picked.values();
}

function planFrontend(draft: Draft, frontend: Frontend): void {
  const { address, protocol, port } = frontend;
  const own = ownPool(frontend);
  const servers: string[] = [];
  if (own !== null && address !== null) servers.push(addAddressServer(draft, frontend, address, own));
  for (const client of clientClasses) {
    const led = decide(draft, frontend, frontend.routes[client], own);
    servers.push(...led.servers);
    addEntry(draft, { kind: 'decision', client, address, protocol, port, decision: led.decision });
  }
  draft.spots.set(spotOf(frontend), { address, protocol, port, servers: [...new Set(servers)] });
  addHairpins(draft, frontend);
  if (address === null) addLoopback(draft, frontend);
  else planAddress(draft, frontend, address);
}

/** The pool that a server at the frontend's address holds: the cluster's if any client is sent there. */
function ownPool(frontend: Frontend): Pool | null {
  if (frontend.address === null || frontend.affinity !== null) return null;
  const pools = forwardedPools(frontend);
  return pools.find(({ key }) => key.endsWith('#cluster')) ?? pools[0] ?? null;
}

function forwardedPools({ routes }: Frontend): readonly Pool[] {
  return clientClasses.flatMap((client) => {
    const route = routes[client];
    return route.verdict === 'forward' ? [route.pool] : [];
  });
}

function decide(draft: Draft, frontend: Frontend, route: Route, own: Pool | null): Led {
  if (route.verdict !== 'forward') return { decision: { verdict: route.verdict }, servers: [] };
  const { pool, masquerade } = route;
  if (frontend.affinity !== null) return decideSticky(draft, frontend, pool, masquerade, frontend.affinity.timeoutSeconds);
  if (pool.key === own?.key) return { decision: { verdict: 'balance', server: 0, masquerade }, servers: [] };
  const { number, text } = addMarkServer(draft, frontend, pool.key, masquerade, {
    ...chooseScheduler(frontend, pool, draft.context.scheduler),
    destinations: destinationsOf(draft, pool),
  });
  return { decision: { verdict: 'balance', server: number, masquerade }, servers: [text] };
}

/** A server for each back end, so that what is remembered of a client is one mark, in the packet filter's own memory. */
function decideSticky(draft: Draft, frontend: Frontend, pool: Pool, masquerade: boolean, timeoutSeconds: number): Led {
  const group = draft.context.numberOf('group', pool.key);
  addEntry(draft, group.record);
  const made = pool.backends.map((backend) => ({
    weight: backend.weight,
    value: addMarkServer(draft, frontend, `${pool.key}@${destinationKeyText(backend)}`, masquerade, {
      scheduler: 'rr',
      fallback: 'rr',
      destinations: planSticky(backend),
    }),
  }));
  const servers = repeatByWeight(made).map(({ number }) => number);
  addEntry(draft, { kind: 'sticky', group: group.number, timeoutSeconds, servers });
  return {
    decision: { verdict: 'sticky', group: group.number, masquerade },
    servers: made.map(({ value }) => value.text),
  };
}

function addAddressServer(draft: Draft, frontend: Frontend, address: Address, pool: Pool): string {
  const key: ServerKey = { kind: 'address', protocol: frontend.protocol, address, port: frontend.port };
  const text = serverKeyText(key);
  addEntry(draft, recordEntry({ kind: 'server', text }));
  draft.servers.set(text, {
    service: draft.service,
    key,
    ...chooseScheduler(frontend, pool, draft.context.scheduler),
    destinations: destinationsOf(draft, pool),
    drain: planDrain(frontend, draft.context),
  });
  return text;
}

function addMarkServer(
  draft: Draft,
  frontend: Frontend,
  name: string,
  masquerade: boolean,
  holds: Pick<ServerWish, 'scheduler' | 'fallback' | 'destinations'>,
): { readonly number: number; readonly text: string } {
  const { service, context } = draft;
  const { number, record } = context.numberOf('server', name);
  const key: ServerKey = { kind: 'mark', family: context.family, mark: markOfServer(number, masquerade) };
  const text = serverKeyText(key);
  addEntry(draft, record);
  draft.servers.set(text, { service, key, ...holds, drain: planDrain(frontend, context) });
  return { number, text };
}

function destinationsOf(draft: Draft, pool: Pool): ReadonlyMap<string, Destination> {
  const known = draft.destinations.get(pool.key);
  if (known !== undefined) return known;
  const destinations = planDestinations(pool.backends);
  draft.destinations.set(pool.key, destinations);
  return destinations;
}

/** A process of the node that reaches itself needs no other source, and rewriting it would do harm on the loopback device. */
function addHairpins(draft: Draft, frontend: Frontend): void {
  for (const pool of forwardedPools(frontend)) {
    for (const { address, local } of pool.backends) {
      if (local && !draft.context.ownAddresses.has(address)) addEntry(draft, { kind: 'hairpin', address });
    }
  }
}

/** What makes the address local, and who may use it. An address of the node itself is local already. */
function planAddress(draft: Draft, frontend: Frontend, address: Address): void {
  const { protocol, port, allowedSources, routes } = frontend;
  const { ownAddresses, serviceCidrs, captureBit } = draft.context;
  // A port without back ends refuses everybody alike, as in the other modes.
  const restricts = clientClasses.some((client) => routes[client].verdict !== 'reject');
  if (allowedSources !== null && restricts) {
    addEntry(draft, { kind: 'restricted', address, protocol, port });
    for (const prefix of allowedSources.prefixes) addEntry(draft, { kind: 'source', address, protocol, port, prefix });
  }
  if (ownAddresses.has(address) || serviceCidrs.some((range) => prefixContains(range, address))) return;
  const prefix = hostPrefix(address);
  addEntry(draft, { kind: 'protected', prefix });
  if (frontend.kind === 'ClusterIP') {
    addRoute(draft, { kind: 'service', prefix });
    return;
  }
  addEntry(draft, { kind: 'capture', address, protocol, port });
  addEntry(draft, { kind: 'capture-address', address });
  addRoute(draft, { kind: 'captured', prefix });
  addRoute(draft, { kind: 'rule', captureBit });
}

/** The balancer sends no packet with a loopback source elsewhere, so these are translated without it (specification 6). */
function addLoopback(draft: Draft, { family, protocol, port, routes }: Frontend): void {
  if (family !== 'IPv4' || !servesLoopback(draft.context)) return;
  const { node } = routes;
  const backends = node.verdict === 'forward' ? node.pool.backends : [];
  const targets = repeatByWeight(backends.map((backend) => ({ value: backend, weight: backend.weight })));
  addEntry(draft, {
    kind: 'loopback',
    protocol,
    port,
    targets: targets.map((target) => ({ address: target.address, port: target.port })),
  });
}

/** Whether node ports are served on 127.0.0.0/8. */
export function servesLoopback({ settings }: Pick<PlanContext, 'settings'>): boolean {
  const { nodePorts } = settings;
  return nodePorts.kind === 'all-local' ? nodePorts.loopback : nodePorts.addresses.some(isLoopback);
}

function addEntry(draft: Draft, entry: SideEntry): void {
  draft.entries.set(sideKey(entry), entry);
}

function addRoute(draft: Draft, wish: RouteWish): void {
  draft.routes.set(keyOfWish(wish), wish);
}
