import * as fc from 'fast-check';
import { formatAddress, parseAddress, parsePrefix } from '../model/mod.ts';
import type {
  Address,
  Backend,
  DataPlaneSettings,
  Family,
  Frontend,
  FrontendKind,
  Pool,
  Prefix,
  Protocol,
  Route,
} from '../model/mod.ts';

/** Frontends as the proxy room derives them, for tests of this room. */

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

export function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new TypeError(`not a prefix: ${text}`);
  return prefix;
}

export function settingsOf(family: Family): DataPlaneSettings {
  return {
    podTraffic: { kind: 'source', prefix: prefixOf(family === 'IPv4' ? '10.244.0.0/16' : 'fd00:10:244::/48') },
    nodePorts: { kind: 'all-local', loopback: false },
    masqueradeBit: 14,
    nodeAddress: nodeAddress(family),
  };
}

export function nodeAddress(family: Family): Address {
  return addressOf(family === 'IPv4' ? '192.0.2.11' : '2001:db8:1::11');
}

/** The range that {@link clusterIp} gives addresses of. */
export function serviceRange(family: Family): Prefix {
  return prefixOf(family === 'IPv4' ? '10.96.0.0/16' : 'fd00:10:96::/112');
}

export function podAddress(number: number, family: Family = 'IPv4'): Address {
  return numbered(family, [10, 244], 'fd00:10:244::', number);
}

export function clusterIp(number: number, family: Family = 'IPv4'): Address {
  return numbered(family, [10, 96], 'fd00:10:96::', number);
}

function externalIp(number: number, family: Family): Address {
  return addressOf(family === 'IPv4' ? `198.51.100.${number & 255}` : `2001:db8:100::${number.toString(16)}`);
}

function numbered(family: Family, head: readonly number[], prefix: string, number: number): Address {
  if (family === 'IPv4') return formatAddress(Uint8Array.from([...head, (number >> 8) & 255, number & 255]));
  return addressOf(`${prefix}${number.toString(16)}`);
}

export interface Shape {
  readonly name: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** Numbers of pods; every third one is on this node. */
  readonly backends: readonly number[];
  /** By back end; absent: 1. */
  readonly weights?: Readonly<Record<number, number>>;
  readonly nodePort: number;
  /** A load-balancer IP, which the node does not own. */
  readonly external: boolean;
  readonly externalLocal: boolean;
  readonly affinity: number | null;
  readonly ranges: boolean;
  readonly scheduler: string | null;
  readonly drainSeconds: number | null;
}

export const plainShape: Shape = {
  name: 'web',
  number: 1,
  protocol: 'TCP',
  backends: [1, 2],
  nodePort: 0,
  external: false,
  externalLocal: false,
  affinity: null,
  ranges: false,
  scheduler: null,
  drainSeconds: null,
};

/** The frontends of a Service with one port: ClusterIP and, where the shape asks for them, node port and load-balancer IP. */
export function frontendsOf(shape: Shape, family: Family = 'IPv4'): Frontend[] {
  const service = `ns/${shape.name}`;
  const servicePort = `${service}:http/${shape.protocol}`;
  const all = shape.backends.map((number): Backend => ({
    address: podAddress(number, family),
    port: 8080,
    weight: shape.weights?.[number] ?? 1,
    local: number % 3 === 0,
  }));
  const cluster: Pool = { key: `${servicePort}#cluster`, backends: all };
  const local: Pool = { key: `${servicePort}#local`, backends: all.filter((backend) => backend.local) };
  const make = (kind: FrontendKind, address: Address | null, port: number, routes: Frontend['routes']): Frontend => ({
    id: `${kind}/${address ?? '*'}/${shape.protocol}/${port}/${service}`,
    service,
    servicePort,
    family,
    kind,
    address,
    protocol: shape.protocol,
    port,
    routes,
    allowedSources:
      kind === 'LoadBalancerIP' && shape.ranges
        ? { prefixes: [prefixOf(family === 'IPv4' ? '203.0.113.0/24' : '2001:db8:113::/64')] }
        : null,
    affinity: shape.affinity === null ? null : { timeoutSeconds: shape.affinity },
    scheduler: shape.scheduler,
    drainSeconds: shape.drainSeconds,
    publication: null,
    precedence: '',
    healthCheckPort: 0,
  });
  const [internal, external] = routesOf(shape, cluster, local);
  return [
    make('ClusterIP', clusterIp(shape.number, family), 80, internal),
    ...(shape.nodePort === 0 ? [] : [make('NodePort', null, shape.nodePort, external)]),
    ...(shape.external ? [make('LoadBalancerIP', externalIp(shape.number, family), 80, external)] : []),
  ];
}

function routesOf(shape: Shape, cluster: Pool, local: Pool): readonly [Frontend['routes'], Frontend['routes']] {
  const reject: Route = { verdict: 'reject' };
  if (cluster.backends.length === 0) {
    const none = { pod: reject, node: reject, outside: reject };
    return [none, none];
  }
  const to = (pool: Pool, masquerade: boolean): Route => ({ verdict: 'forward', pool, masquerade });
  const masqueraded = to(cluster, true);
  return [
    { pod: to(cluster, false), node: masqueraded, outside: masqueraded },
    shape.externalLocal
      ? {
          pod: to(cluster, false),
          node: masqueraded,
          outside: local.backends.length === 0 ? { verdict: 'drop' } : to(local, false),
        }
      : { pod: masqueraded, node: masqueraded, outside: masqueraded },
  ];
}

/** A Service out of a dozen, any way it may be made. */
export const shapes: fc.Arbitrary<Shape> = fc
  .record({
    index: fc.nat(12),
    protocol: fc.constantFrom<Protocol>('TCP', 'TCP', 'UDP', 'SCTP'),
    backends: fc.uniqueArray(fc.nat(20), { maxLength: 5 }),
    weights: fc.dictionary(fc.nat(20).map(String), fc.nat(4), { maxKeys: 3 }),
    hasNodePort: fc.boolean(),
    external: fc.boolean(),
    externalLocal: fc.boolean(),
    affinity: fc.constantFrom(null, null, 60, 10_800),
    ranges: fc.boolean(),
    scheduler: fc.constantFrom(null, null, 'mh', 'lc'),
    drainSeconds: fc.constantFrom(null, null, 0, 30),
  })
  .map(({ index, hasNodePort, ...rest }) => ({
    ...rest,
    name: `s${index}`,
    number: index + 1,
    nodePort: hasNodePort ? 30_000 + index : 0,
  }));
