import { clientClasses, hostPrefix, prefixContains, sideKey } from '../model/mod.ts';
import type { Address, Frontend, Pool, ServiceKey, SideEntry } from '../model/mod.ts';
import type { Marked } from './marks.ts';
import type { PlanContext, ServerWish, Spot } from './plan-types.ts';
import { captureRule, keyOfWish } from './routes.ts';
import type { RouteWish } from './routes.ts';
import type { Target } from './target.ts';
import type { Destination } from './virtual-server.ts';

/** A plan that is being written. */
export interface Draft {
  readonly service: ServiceKey;
  readonly context: PlanContext;
  readonly servers: Map<string, ServerWish>;
  readonly entries: Map<string, SideEntry>;
  readonly routes: Map<string, RouteWish>;
  readonly spots: Map<string, Spot>;
  /** By pool key: several servers hold one pool. */
  readonly destinations: Map<string, ReadonlyMap<string, Destination>>;
  /** Of the publications, by name. */
  readonly marks: ReadonlyMap<string, Marked>;
}

export function startDraft(service: ServiceKey, context: PlanContext, marks: Draft['marks']): Draft {
  const parts = { servers: new Map(), entries: new Map(), routes: new Map(), spots: new Map(), destinations: new Map() };
  return { service, context, marks, ...parts };
}

export function addEntry(draft: Draft, entry: SideEntry): void {
  draft.entries.set(sideKey(entry), entry);
}

function addRoute(draft: Draft, wish: RouteWish): void {
  draft.routes.set(keyOfWish(wish), wish);
}

export function forwardedPools({ routes }: Frontend): readonly Pool[] {
  return clientClasses.flatMap((client) => {
    const route = routes[client];
    return route.verdict === 'forward' ? [route.pool] : [];
  });
}

/** A process of the node that reaches itself needs no other source, and rewriting it would do harm on the loopback device. */
export function addHairpins(draft: Draft, frontend: Frontend): void {
  for (const pool of forwardedPools(frontend)) {
    for (const { address, local, delivery } of pool.backends) {
      if (!local || delivery !== undefined || draft.context.ownAddresses.has(address)) continue;
      addEntry(draft, { kind: 'hairpin', address });
    }
  }
}

/** Who may use a destination. A port without back ends refuses everybody alike, as in the other modes. */
export function addSources(
  draft: Draft,
  { allowedSources, routes }: Frontend,
  target: Target & { readonly address: Address },
): void {
  if (allowedSources === null || clientClasses.every((client) => routes[client].verdict === 'reject')) return;
  addEntry(draft, { kind: 'restricted', ...target });
  for (const prefix of allowedSources.prefixes) addEntry(draft, { kind: 'source', ...target, prefix });
}

/**
 * What makes packets to a destination come to the node: its address is local for everybody, or its ports are captured. An
 * address of the node itself is local already. With `exclusive` what is not captured of an address is not sent on.
 */
export function addWay(
  draft: Draft,
  target: Target & { readonly address: Address },
  way: 'local' | 'policy',
  { exclusive = false }: Pick<Frontend, 'exclusive'>,
): void {
  const { ownAddresses, serviceCidrs, routeTable } = draft.context;
  const { address } = target;
  if (ownAddresses.has(address) || serviceCidrs.some((range) => prefixContains(range, address))) return;
  const prefix = hostPrefix(address);
  addEntry(draft, { kind: 'protected', prefix });
  if (way === 'local') {
    addRoute(draft, { kind: 'service', prefix });
    return;
  }
  if (exclusive) addEntry(draft, { kind: 'closed', address });
  addEntry(draft, { kind: 'capture', ...target });
  addEntry(draft, { kind: 'capture-address', address });
  addRoute(draft, { kind: 'captured', prefix, table: routeTable });
  addRoute(draft, captureRule(draft.context));
}
