import { clientClasses, markOfServer, repeatByWeight } from '../model/mod.ts';
import type { Address, Frontend, Pool, Route, ServiceKey, SideDecision } from '../model/mod.ts';
import { addEntry, addHairpins, addSources, addWay, forwardedPools, startDraft } from './plan-draft.ts';
import type { Draft } from './plan-draft.ts';
import { addLoopback } from './plan-loopback.ts';
import { isPublishable, markNames, planPublication } from './plan-publication.ts';
import type { Published } from './plan-publication.ts';
import { chooseScheduler, planDestinations, planDrain, planSticky } from './plan-servers.ts';
import type { Plan, PlanContext, ServerWish } from './plan-types.ts';
import { recordEntry } from './records.ts';
import { overlaps, rewriteTarget, spotOf, targetOf } from './target.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { Destination, ServerKey } from './virtual-server.ts';

/** Affinity of what is not published is the packet filter's business, so its servers are not persistent. */
const plainServer = { schedulerFlags: null, persistence: null, onePacket: false } as const;

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
  const owned = pickOwned(service, frontends, context);
  const split = splitPublished(owned, context);
  const marks = split.published.length === 0 ? new Map<string, never>() : context.marksOf(markNames(split.published));
  // A Service that is published in part only would be balanced apart where it asked to be balanced together.
  const { published, plain } = marks === null ? { published: [], plain: owned.flatMap(unpublished) } : split;
  const draft = startDraft(service, context, marks ?? new Map());
  for (const frontend of plain) planFrontend(draft, frontend);
  for (const frontend of published) planPublication(draft, frontend, published);
  const { servers, entries, routes, spots } = draft;
  return { id: service, service, servers, entries, routes, spots, starved: marks === null };
}

/** One frontend for each destination of clients: the first one routes, whoever restricts sources restricts them. */
function pickOwned(service: ServiceKey, frontends: readonly Frontend[], context: PlanContext): readonly Frontend[] {
  const picked = new Map<string, Frontend>();
  for (const frontend of frontends) {
    const target = targetOf(frontend);
    if (!context.owns(target, service)) continue;
    const spot = spotOf(target);
    const first = picked.get(spot);
    if (first === undefined) picked.set(spot, frontend);
    else if (first.allowedSources === null) picked.set(spot, { ...first, allowedSources: frontend.allowedSources });
  }
  return [...picked.values()];
}

interface Split {
  readonly published: readonly Published[];
  readonly plain: readonly Frontend[];
}

/** Frontends that keep their port come first, so that no rewritten port takes the place of one of them. */
function splitPublished(frontends: readonly Frontend[], context: PlanContext): Split {
  const published: Published[] = [];
  const plain: Frontend[] = [];
  const isRewritten = (frontend: Frontend): number => Number(rewriteTarget(frontend) !== null);
  for (const frontend of frontends.toSorted((a, b) => isRewritten(a) - isRewritten(b))) {
    if (!isPublished(frontend)) plain.push(frontend);
    else if (isPublishable(frontend, published, context)) published.push(frontend);
    else plain.push(...unpublished(frontend));
  }
  return yieldPorts({ published, plain });
}

/** A port that plain frontends turn out to have is not rewritten to; what gives way becomes plain, and may push aside another. */
function yieldPorts(split: Split): Split {
  const { published, plain } = split;
  const loser = published.find((one) => {
    const to = rewriteTarget(one);
    return to !== null && plain.some((other) => overlaps(targetOf(other), to));
  });
  if (loser === undefined) return split;
  return yieldPorts({ published: published.filter((one) => one !== loser), plain: [...plain, ...unpublished(loser)] });
}

function isPublished(frontend: Frontend): frontend is Published {
  return frontend.publication !== null;
}

function unpublished(frontend: Frontend): readonly Frontend[] {
  if (frontend.publication === null) return [frontend];
  const { plain } = frontend.publication;
  return plain === null ? [] : [{ ...plain, allowedSources: frontend.allowedSources }];
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
  draft.spots.set(spotOf({ address, protocol, port }), { address, protocol, port, servers: [...new Set(servers)] });
  addHairpins(draft, frontend);
  if (address === null) {
    addLoopback(draft, frontend);
    return;
  }
  addSources(draft, frontend, { address, protocol, port });
  addWay(draft, { address, protocol, port }, frontend.kind === 'ClusterIP' ? 'local' : 'policy', frontend);
}

/** The pool that a server at the frontend's address holds: the cluster's if any client is sent there. */
function ownPool(frontend: Frontend): Pool | null {
  if (frontend.address === null || frontend.affinity !== null) return null;
  const pools = forwardedPools(frontend);
  return pools.find(({ key }) => key.endsWith('#cluster')) ?? pools[0] ?? null;
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
    ...plainServer,
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
  draft.servers.set(text, { service, key, ...plainServer, ...holds, drain: planDrain(frontend, context) });
  return { number, text };
}

function destinationsOf(draft: Draft, pool: Pool): ReadonlyMap<string, Destination> {
  const known = draft.destinations.get(pool.key);
  if (known !== undefined) return known;
  const destinations = planDestinations(pool.backends);
  draft.destinations.set(pool.key, destinations);
  return destinations;
}
