import * as fc from 'fast-check';
import type { Address, Backend, Family, Frontend, Pool, PortRange, Protocol, Publication, Route } from '../model/mod.ts';
import { addressOf, podAddress, prefixOf } from './wish.fixture.ts';

/** Published Services as ingress derives them, for tests of this room. */

export interface PublishedPort {
  readonly protocol: Protocol;
  readonly port: number;
  /** Where back ends listen. */
  readonly target: number;
}

export interface PublishedShape {
  readonly name: string;
  /** Number of the address: several Services may ask for one. */
  readonly vip: number;
  readonly ports: readonly PublishedPort[];
  readonly ranges: readonly PortRange[];
  /** One back end for all ports, or each port for itself. */
  readonly scope: 'service' | 'port';
  /** Numbers of pods; every third one is on this node. */
  readonly backends: readonly number[];
  readonly mode: 'mesh' | 'local' | 'dsr';
  readonly capture: Publication['capture'];
  /** Seconds that clients are remembered; null: they are not. */
  readonly persistence: number | null;
  readonly restricted: boolean;
  readonly drainSeconds: number | null;
  readonly created: string;
}

export const publishedShape: PublishedShape = {
  name: 'shop',
  vip: 1,
  ports: [
    { protocol: 'TCP', port: 80, target: 8080 },
    { protocol: 'TCP', port: 443, target: 443 },
  ],
  ranges: [],
  scope: 'service',
  backends: [1, 2, 3],
  mode: 'mesh',
  capture: 'local',
  persistence: null,
  restricted: false,
  drainSeconds: null,
  created: '2026-01-01',
};

export function vipOf(number: number, family: Family = 'IPv4'): Address {
  return addressOf(family === 'IPv4' ? `198.51.100.${200 + number}` : `2001:db8:200::${number.toString(16)}`);
}

/** A node that has back ends and gets packets as they came. */
export function otherNode(number: number, family: Family = 'IPv4'): Address {
  return addressOf(family === 'IPv4' ? `192.0.2.${100 + number}` : `2001:db8:1::${100 + number}`);
}

export function publishedFrontends(shape: PublishedShape, family: Family = 'IPv4'): Frontend[] {
  const asked = [
    ...shape.ports.map((port) => ({ ...port, last: port.port })),
    ...shape.ranges.map(({ protocol, first, last }) => ({ protocol, port: first, last, target: first })),
  ];
  return asked.map((one) => publish(shape, one, family));
}

function publish(
  shape: PublishedShape,
  { protocol, port, target, last }: PublishedPort & { last: number },
  family: Family,
): Frontend {
  const service = `ns/${shape.name}`;
  const address = vipOf(shape.vip, family);
  const group = shape.scope === 'service' ? `${service}#all` : `${service}#${protocol}/${port}`;
  const pools = poolsOf(shape, group, family);
  const plainPools = poolsOf(shape, `${service}:${port}/${protocol}`, family, target);
  const frontend: Frontend = {
    id: `LoadBalancerIP/${address}/${protocol}/${port}/${service}`,
    service,
    servicePort: `${service}:${port}/${protocol}`,
    family,
    kind: 'LoadBalancerIP',
    address,
    protocol,
    port,
    routes: routesOf(plainPools, 'mesh'),
    allowedSources: shape.restricted
      ? { prefixes: [prefixOf(family === 'IPv4' ? '203.0.113.0/24' : '2001:db8:113::/64')] }
      : null,
    affinity: shape.persistence === null ? null : { timeoutSeconds: shape.persistence },
    healthCheckPort: 0,
    scheduler: shape.mode === 'dsr' ? 'mh' : null,
    drainSeconds: shape.drainSeconds,
    publication: null,
    precedence: `${shape.created} ${service}`,
  };
  const publication: Publication = {
    group,
    lastPort: last,
    rewritePort: target === port ? null : target,
    capture: shape.mode === 'dsr' ? 'policy' : shape.capture,
    persistence:
      shape.persistence === null ? null : { timeoutSeconds: shape.persistence, prefixLength: family === 'IPv4' ? 32 : 128 },
    schedulerFlags: shape.mode === 'dsr' ? ['fallback', 'port'] : null,
    onePacket: false,
    connectionLimit: 0,
    segmentSize: shape.mode === 'dsr' ? 1440 : null,
    secondHop: shape.mode === 'dsr' ? { ...pools.local, key: `${group}#hop` } : null,
    plain: last > port ? null : frontend,
  };
  return { ...frontend, routes: routesOf(pools, shape.mode), publication };
}

interface Pools {
  readonly cluster: Pool;
  readonly local: Pool;
  /** What is here, and the nodes that have the rest. */
  readonly nodes: Pool;
}

/** Port 0 keeps the packet's own. */
function poolsOf({ backends }: PublishedShape, key: string, family: Family, port = 0): Pools {
  const all = backends.map((number): Backend => {
    return { address: podAddress(number, family), port, weight: 1, local: number % 3 === 0 };
  });
  const local = all.filter((backend) => backend.local);
  const others = new Set(backends.filter((number) => number % 3 !== 0).map((number) => number % 3));
  const nodes = [...others].map((number): Backend => {
    const delivery = { method: 'tunnel', encapsulation: 'ipip' } as const;
    return { address: otherNode(number, family), port, weight: 1, local: false, delivery };
  });
  return {
    cluster: { key: `${key}#cluster`, backends: all },
    local: { key: `${key}#local`, backends: local },
    nodes: { key: `${key}#nodes`, backends: [...local, ...nodes] },
  };
}

function routesOf({ cluster, local, nodes }: Pools, mode: PublishedShape['mode']): Frontend['routes'] {
  const reject: Route = { verdict: 'reject' };
  if (cluster.backends.length === 0) return { pod: reject, node: reject, outside: reject };
  const masqueraded: Route = { verdict: 'forward', pool: cluster, masquerade: true };
  if (mode === 'mesh') return { pod: masqueraded, node: masqueraded, outside: masqueraded };
  const pool = mode === 'dsr' ? nodes : local;
  const outside: Route = pool.backends.length === 0 ? { verdict: 'drop' } : { verdict: 'forward', pool, masquerade: false };
  return { pod: masqueraded, node: masqueraded, outside };
}

const ports: fc.Arbitrary<PublishedPort> = fc
  .record({
    protocol: fc.constantFrom<Protocol>('TCP', 'TCP', 'UDP'),
    port: fc.constantFrom(80, 443, 5000, 5005, 8080),
    shift: fc.constantFrom(0, 0, 1000),
  })
  .map(({ protocol, port, shift }) => ({ protocol, port, target: port === 80 ? 8080 : port + shift }));

const portRanges: fc.Arbitrary<PortRange> = fc
  .record({
    protocol: fc.constantFrom<Protocol>('TCP', 'UDP'),
    first: fc.constantFrom(5000, 5003, 6000),
    size: fc.constantFrom(4, 20),
  })
  .map(({ protocol, first, size }) => ({ protocol, first, last: first + size }));

/** A published Service out of six, on one of three addresses. */
export const publishedShapes: fc.Arbitrary<PublishedShape> = fc
  .record({
    index: fc.nat(5),
    vip: fc.nat(2),
    ports: fc.uniqueArray(ports, { minLength: 0, maxLength: 3, selector: ({ protocol, port }) => `${protocol} ${port}` }),
    // Ranges of one protocol do not overlap.
    ranges: fc.uniqueArray(portRanges, { maxLength: 2, selector: ({ protocol }) => protocol }),
    scope: fc.constantFrom('service' as const, 'port' as const),
    backends: fc.uniqueArray(fc.nat(9), { maxLength: 4 }),
    mode: fc.constantFrom('mesh' as const, 'mesh' as const, 'local' as const, 'dsr' as const),
    capture: fc.constantFrom('local' as const, 'policy' as const),
    persistence: fc.constantFrom(null, 60, 300),
    restricted: fc.boolean(),
    drainSeconds: fc.constantFrom(null, null, 0, 30),
  })
  .map(({ index, ...rest }) => ({ ...rest, name: `p${index}`, created: `2026-01-0${1 + ((index * 5) % 6)}` }));
