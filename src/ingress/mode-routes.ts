import type { ClientClass, Frontend, Pool, PublishingMode, Route } from '../model/mod.ts';

/** How clients are led to the back ends of a published port. */
export interface RoutePolicy {
  readonly mode: PublishingMode;
  /** What those get for whom there is no back end; null: what suits the mode. */
  readonly noEndpointsAction: 'drop' | 'reject' | null;
  readonly detectsPods: boolean;
  /** Mode `mesh`: keep the source address of clients outside where every back end is on this node. */
  readonly preserveClientIp: boolean;
  /** False on a node that takes no clients from outside for the Service, but passes on what other nodes send to it. */
  readonly acceptsClients: boolean;
}

export interface RoutePools {
  readonly cluster: Pool;
  readonly local: Pool;
  /** Mode `dsr`: local back ends, and the other nodes in place of theirs. */
  readonly direct: Pool;
}

type Routes = Frontend['routes'];

/**
 * The routes of one published port in a mode (specification of ingress, 7). Clients inside the cluster are served by all
 * back ends in every mode.
 */
export function routeByMode(policy: RoutePolicy, pools: RoutePools): Routes {
  const { mode, noEndpointsAction } = policy;
  const nobody: Route = { verdict: noEndpointsAction ?? 'reject' };
  if (mode === 'mesh') return routeMesh(policy, pools, nobody);
  const pool = mode === 'dsr' ? pools.direct : pools.local;
  // An upstream balancer that finds no answer tries another node; a refusal would reach its client.
  const none: Route = { verdict: noEndpointsAction ?? (mode === 'local' ? 'drop' : 'reject') };
  const outside: Route = policy.acceptsClients ? forward(pool, false, none) : { verdict: 'drop' };
  return {
    pod: policy.detectsPods ? forward(pools.cluster, false, nobody) : outside,
    node: forward(pools.cluster, true, nobody),
    outside,
  };
}

function routeMesh({ preserveClientIp }: RoutePolicy, { cluster }: RoutePools, nobody: Route): Routes {
  const route = forward(cluster, true, nobody);
  const preserves = preserveClientIp && cluster.backends.every(({ local }) => local);
  const outside = preserves ? forward(cluster, false, nobody) : route;
  const routes: Record<ClientClass, Route> = { pod: route, node: route, outside };
  return routes;
}

function forward(pool: Pool, masquerade: boolean, otherwise: Route): Route {
  return pool.backends.length === 0 ? otherwise : { verdict: 'forward', pool, masquerade };
}
