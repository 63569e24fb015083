import { clientClasses } from '../model/mod.ts';
import type { Backend, Frontend, Pool, Protocol } from '../model/mod.ts';

/** A port of a Service as clients outside see it, and who serves it. */
export interface PublishedPort {
  /** `namespace/name:port-name/protocol`. */
  readonly servicePort: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** One for each address. */
  readonly frontends: readonly Frontend[];
  /** Back ends for clients that may be sent to any node. */
  readonly cluster: Pool;
  /** Back ends of this node. */
  readonly local: Pool;
}

export function isExternal({ kind }: Frontend): boolean {
  return kind === 'LoadBalancerIP' || kind === 'ExternalIP';
}

/** The ports of those frontends that `isAdmitted` lets pass, in the order of the Service. */
export function collectPorts(frontends: readonly Frontend[], isAdmitted: (frontend: Frontend) => boolean): PublishedPort[] {
  const external = Map.groupBy(
    frontends.filter((frontend) => isExternal(frontend) && isAdmitted(frontend)),
    ({ servicePort }) => servicePort,
  );
  if (external.size === 0) return [];
  const pools = collectPools(frontends);
  return [...external].flatMap(([servicePort, published]) => {
    const [first] = published;
    if (first === undefined) return [];
    const cluster = pools.get(`${servicePort}#cluster`) ?? { key: `${servicePort}#cluster`, backends: [] };
    const local = localOf(servicePort, cluster, pools);
    return [{ servicePort, protocol: first.protocol, port: first.port, frontends: published, cluster, local }];
  });
}

function collectPools(frontends: readonly Frontend[]): ReadonlyMap<string, Pool> {
  const pools = new Map<string, Pool>();
  for (const { routes } of frontends) {
    for (const client of clientClasses) {
      const route = routes[client];
      if (route.verdict === 'forward') pools.set(route.pool.key, route.pool);
    }
  }
  return pools;
}

/**
 * A Service whose policy is Local has a pool of its own for this node, with back ends that terminate where there are no
 * others; of any other the local ones are those of the cluster's pool that are here.
 */
function localOf(servicePort: string, cluster: Pool, pools: ReadonlyMap<string, Pool>): Pool {
  const key = `${servicePort}#local`;
  return pools.get(key) ?? { key, backends: cluster.backends.filter(({ local }) => local) };
}

/**
 * Back ends that serve all ports, by address and with port 0, so that packets keep the port they have (specification of
 * ingress, 6). Weights are those of the first port.
 */
export function joinBackends(lists: readonly (readonly Backend[])[]): readonly Backend[] {
  const [first = [], ...others] = lists;
  const sets = others.map((list) => new Set(list.map(({ address }) => address)));
  const joined = new Map(first.map((backend) => [backend.address, { ...backend, port: 0 }] as const));
  const everywhere = [...joined.values()].filter(({ address }) => sets.every((set) => set.has(address)));
  return everywhere.length > 0 && everywhere.every(({ weight }) => weight === 0)
    ? everywhere.map((backend) => ({ ...backend, weight: 1 }))
    : everywhere;
}
