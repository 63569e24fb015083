import * as fc from 'fast-check';
import { formatAddress, parsePrefix } from '../model/mod.ts';
import type { Address, Backend, DataPlaneSettings, Family, Frontend, FrontendKind, Pool, Route } from '../model/mod.ts';

/** Frontends as the proxy room derives them, for tests of this room. */
const podRange = parsePrefix('10.244.0.0/16');

export const settings: DataPlaneSettings = {
  podTraffic: podRange === null ? { kind: 'none' } : { kind: 'source', prefix: podRange },
  nodePorts: { kind: 'all-local', loopback: true },
  masqueradeBit: 14,
  nodeAddress: null,
};

function backend(number: number, port = 8080): Backend {
  return { address: formatAddress(Uint8Array.from([10, 244, (number >> 8) & 255, number & 255])), port, weight: 1, local: false };
}

function clusterIp(number: number): Address {
  return formatAddress(Uint8Array.from([10, 96, (number >> 8) & 255, number & 255]));
}

export interface Shape {
  readonly name: string;
  readonly number: number;
  readonly backends: readonly number[];
  readonly localBackends: readonly number[];
  readonly nodePort: number;
  readonly externalLocal: boolean;
  readonly internalLocal: boolean;
  readonly affinity: number | null;
  readonly ranges: boolean;
}

/** The frontends of a Service with one port: ClusterIP, node port and one load-balancer IP. */
export function frontendsOf(shape: Shape, family: Family = 'IPv4'): Frontend[] {
  const service = `ns/${shape.name}`;
  const servicePort = `${service}:http/TCP`;
  const cluster: Pool = { key: `${servicePort}#cluster`, backends: shape.backends.map((one) => backend(one)) };
  const local: Pool = { key: `${servicePort}#local`, backends: shape.localBackends.map((one) => backend(one)) };
  const make = (kind: FrontendKind, address: Address | null, port: number, routes: Frontend['routes']): Frontend => ({
    id: `${kind}/${address ?? '*'}/TCP/${port}/${service}`,
    service,
    servicePort,
    family,
    kind,
    address,
    protocol: 'TCP',
    port,
    routes,
    allowedSources:
      kind === 'LoadBalancerIP' && shape.ranges
        ? { prefixes: [parsePrefix('198.51.100.0/24')].filter((one) => one !== null) }
        : null,
    affinity: shape.affinity === null ? null : { timeoutSeconds: shape.affinity },
    scheduler: null,
    drainSeconds: null,
    publication: null,
    exclusive: kind === 'LoadBalancerIP',
    precedence: '',
    healthCheckPort: shape.externalLocal && shape.nodePort % 2 === 1 ? shape.nodePort + 1000 : 0,
  });
  const to = (pool: Pool, masquerade: boolean, empty: Route = { verdict: 'drop' }): Route =>
    pool.backends.length === 0 ? empty : { verdict: 'forward', pool, masquerade };
  const none: Route = { verdict: 'reject' };
  const usable = cluster.backends.length > 0;
  const inner = shape.internalLocal ? local : cluster;
  const internal = usable ? { pod: to(inner, false), node: to(inner, true), outside: to(inner, true) } : all(none);
  const localRoutes = { pod: to(cluster, false, none), node: to(cluster, true, none), outside: to(local, false) };
  const external = !usable ? all(none) : shape.externalLocal ? localRoutes : all(to(cluster, true, none));
  return [
    make('ClusterIP', clusterIp(shape.number), 80, internal),
    ...(shape.nodePort === 0 ? [] : [make('NodePort', null, shape.nodePort, external)]),
    ...(shape.nodePort % 2 === 1
      ? [make('LoadBalancerIP', formatAddress(Uint8Array.from([203, 0, 113, shape.number & 255])), 80, external)]
      : []),
  ];
}

function all(route: Route): Frontend['routes'] {
  return { pod: route, node: route, outside: route };
}

/** A Service with a name out of a few dozen; local back ends are some of its back ends. */
export const shapes: fc.Arbitrary<Shape> = fc
  .record({
    index: fc.nat(120),
    backends: fc.uniqueArray(fc.nat(40), { maxLength: 6 }),
    localShare: fc.nat(3),
    nodePort: fc.constantFrom(0, 30_000, 30_001),
    externalLocal: fc.boolean(),
    internalLocal: fc.boolean(),
    affinity: fc.constantFrom(null, null, 60),
    ranges: fc.boolean(),
  })
  .map(({ index, backends, localShare, nodePort, ...rest }) => ({
    ...rest,
    name: `s${index}`,
    number: index * 16,
    backends,
    localBackends: backends.slice(0, localShare),
    nodePort: nodePort === 0 ? 0 : nodePort + 2 * index,
  }));
