import { familyOf, hostPrefix, precedenceOf, prefixContains } from '../model/mod.ts';
import type {
  Address,
  AllowedSources,
  Backend,
  Choice,
  ClientClass,
  Family,
  Frontend,
  FrontendKind,
  Pool,
  Problem,
  Publisher,
  Route,
  ServicePortRecord,
  ServiceRecord,
  SliceRecord,
} from '../model/mod.ts';
import { chooseForPort, virtualIps } from './choose-for-port.ts';
import { healthCheckPortOf } from './health-check-port.ts';
import type { MergedEndpoint } from './merge-endpoints.ts';
import { describeIdleWeights, weigh } from './view-weights.ts';

/** From where, and under which settings, Services are looked at. */
export interface Viewpoint {
  readonly family: Family;
  readonly nodeName: string;
  readonly zone: string | null;
  /** The node's own address of the family, if known. */
  readonly nodeAddress: Address | null;
  /** Something tells pod traffic from other traffic. */
  readonly detectsPods: boolean;
  readonly masqueradeAll: boolean;
  /** False: external IPs get no frontend; nothing else of the Service changes. */
  readonly externalIps: boolean;
}

type Routes = Readonly<Record<ClientClass, Route>>;

const reject: Route = { verdict: 'reject' };
const drop: Route = { verdict: 'drop' };

/** Who is asked and told while Services are looked at. */
export interface ViewHooks {
  /** Takes what the owner of a Service should know. */
  readonly advise: (problem: Problem) => void;
  /** Has the last word on frontends; null: nobody. */
  readonly publisher: Publisher | null;
}

const noHooks: ViewHooks = { advise: () => {}, publisher: null };

/**
 * Joins one Service with its EndpointSlices into frontends (specification 1.2, 2, 3 and 4.1). Empty if
 * the Service is not proxied in the viewpoint's family.
 */
export function deriveFrontends(
  service: ServiceRecord,
  slices: readonly SliceRecord[],
  from: Viewpoint,
  hooks: ViewHooks = noHooks,
): readonly Frontend[] {
  const { family } = from;
  const { publisher } = hooks;
  const clusterIp = service.clusterIps[family];
  if (clusterIp === undefined || service.headless || service.type === 'ExternalName') {
    publisher?.forget(service.key, family);
    return [];
  }
  // Copied, since what flatMap gives has room to grow, and nearly all are of one.
  const frontends = service.ports.flatMap((port) => derivePort(service, port, clusterIp, slices, { from, hooks })).slice();
  return publisher?.publish({ service, family, frontends, nodeOf: findNodes(slices) }) ?? frontends;
}

/** By address; looked up for few Services, so the map is made when it is first asked. */
function findNodes(slices: readonly SliceRecord[]): (backend: Address) => string | null {
  let nodes: ReadonlyMap<Address, string | null> | null = null;
  return (backend) => {
    nodes ??= new Map(slices.flatMap(({ endpoints }) => endpoints.map(({ address, nodeName }) => [address, nodeName] as const)));
    return nodes.get(backend) ?? null;
  };
}

function derivePort(
  service: ServiceRecord,
  port: ServicePortRecord,
  clusterIp: Address,
  slices: readonly SliceRecord[],
  { from, hooks }: { readonly from: Viewpoint; readonly hooks: ViewHooks },
): Frontend[] {
  const { choice, outer, externalLocal } = chooseForPort(service, port, slices, from, hooks.publisher);
  // Joined and not put together: what is kept of many Services has to be texts of one piece.
  const servicePort = [service.key, ':', port.name, '/', port.protocol].join('');
  const pools = {
    cluster: poolOf([servicePort, 'cluster'].join('#'), choice.cluster, service, { from, hooks }),
    local: poolOf([servicePort, 'local'].join('#'), choice.local, service, { from, hooks }),
  };
  const precedence = precedenceOf(service);
  const make = (kind: FrontendKind, address: Address | null, number: number, routes: Routes): Frontend => ({
    id: [kind, address ?? '*', port.protocol, number, service.key].join('/'),
    service: service.key,
    servicePort,
    family: from.family,
    kind,
    address,
    protocol: port.protocol,
    port: number,
    routes,
    allowedSources: kind === 'LoadBalancerIP' ? allowedSources(service, from) : null,
    affinity: service.affinity,
    scheduler: service.tuning.scheduler,
    drainSeconds: service.tuning.drainSeconds,
    publication: null,
    precedence,
    healthCheckPort: healthCheckPortOf(service),
  });
  const outerRoutes = externalRoutes(externalLocal, pools, choice, from);
  return [
    make('ClusterIP', clusterIp, port.port, internalRoutes(service.internalLocal ? pools.local : pools.cluster, choice, from)),
    ...outer.map(({ kind, address, number }) => make(kind, address, number, outerRoutes)),
  ];
}

function internalRoutes(pool: Pool, choice: Choice<MergedEndpoint>, from: Viewpoint): Routes {
  if (!choice.any) return everyone(reject);
  if (pool.backends.length === 0) return everyone(drop);
  const others: Route = { verdict: 'forward', pool, masquerade: from.masqueradeAll || from.detectsPods };
  return { pod: from.detectsPods ? { ...others, masquerade: from.masqueradeAll } : others, node: others, outside: others };
}

/**
 * Clients inside the cluster are short-circuited past a Local policy: they are treated as if they had gone
 * out to the load balancer and come back on a node that has an endpoint (specification 3.3).
 */
function externalRoutes(
  localOnly: boolean,
  pools: { readonly cluster: Pool; readonly local: Pool },
  choice: Choice<MergedEndpoint>,
  from: Viewpoint,
): Routes {
  if (!choice.any) return everyone(reject);
  if (!localOnly) return everyone({ verdict: 'forward', pool: pools.cluster, masquerade: true });
  const outside: Route = pools.local.backends.length > 0 ? { verdict: 'forward', pool: pools.local, masquerade: false } : drop;
  return {
    pod: from.detectsPods ? { verdict: 'forward', pool: pools.cluster, masquerade: false } : outside,
    node: { verdict: 'forward', pool: pools.cluster, masquerade: true },
    outside,
  };
}

function everyone(route: Route): Routes {
  return { pod: route, node: route, outside: route };
}

function poolOf(
  key: string,
  endpoints: readonly MergedEndpoint[],
  service: ServiceRecord,
  { from, hooks }: { readonly from: Viewpoint; readonly hooks: ViewHooks },
): Pool {
  const { weights, idle } = weigh(endpoints, service.tuning.weights);
  if (idle) hooks.advise(describeIdleWeights(service, key, endpoints.length));
  const backends = endpoints.map(({ address, port, nodeName }, index): Backend => ({
    address,
    port,
    weight: weights?.[index] ?? 1,
    local: nodeName === from.nodeName,
  }));
  return { key, backends };
}

/**
 * Specification 5: no entry of the family, or a prefix of length zero, opens the family. A node inside a
 * range may own the VIP and then connects with the VIP as its source.
 */
function allowedSources(service: ServiceRecord, from: Viewpoint): AllowedSources | null {
  const ranges = service.sourceRanges.filter((range) => range.family === from.family);
  if (ranges.length === 0 || ranges.some((range) => range.length === 0)) return null;
  const { nodeAddress } = from;
  const includesNode = nodeAddress !== null && ranges.some((range) => prefixContains(range, nodeAddress));
  const ownVips = virtualIps(service).filter((address) => familyOf(address) === from.family);
  return { prefixes: [...ranges, ...(includesNode ? ownVips.map(hostPrefix) : [])] };
}
