import * as fc from 'fast-check';
import { formatAddress, parsePrefix } from '../model/mod.ts';
import type {
  Address,
  Backend,
  Change,
  DataPlane,
  DataPlaneSettings,
  Family,
  Frontend,
  FrontendKind,
  Pool,
  Protocol,
  Route,
  ServiceKey,
} from '../model/mod.ts';
import { createNftablesDataPlane } from './data-plane.ts';
import { shareGenerations } from './generations.ts';
import { lanes, planeTable, slotMap } from './plane-sets.ts';
import type { NftPort, TableState } from './port.ts';
import { formatRule } from './rule-equal.ts';
import type { Element } from './transaction.ts';

/** Frontends as the proxy room derives them, for tests of the nftables data plane. */
const podRange = parsePrefix('10.244.0.0/16');

export const planeSettings: DataPlaneSettings = {
  podTraffic: podRange === null ? { kind: 'none' } : { kind: 'source', prefix: podRange },
  nodePorts: { kind: 'listed', addresses: ['192.0.2.1' as Address] },
  masqueradeBit: 14,
  nodeAddress: null,
};

export function planeOn(port: NftPort, family: Family = 'IPv4', generations = shareGenerations()): DataPlane {
  const serviceCidrs = [parsePrefix('10.96.0.0/12')].filter((one) => one !== null);
  return createNftablesDataPlane({ port, family, generations, serviceCidrs, strays: 'drop', pause: () => null, now: () => 0 });
}

function backend(number: number, local: boolean, weight = 1): Backend {
  return {
    address: formatAddress(Uint8Array.from([10, 244, (number >> 8) & 255, number & 255])),
    port: 8080,
    weight,
    local,
  };
}

export interface PlaneShape {
  readonly name: string;
  readonly number: number;
  readonly backends: readonly number[];
  /** How many of the back ends, the first ones, are on this node. */
  readonly local: number;
  /** 0: none. Odd ones have a load-balancer IP too. */
  readonly nodePort: number;
  readonly externalLocal: boolean;
  readonly internalLocal: boolean;
  readonly affinity: number | null;
  readonly ranges: readonly string[];
  readonly protocol: Protocol;
  /** Weight of the first back end. */
  readonly weight: number;
}

export const plainShape: PlaneShape = {
  name: 'web',
  number: 7,
  backends: [1, 2],
  local: 0,
  nodePort: 0,
  externalLocal: false,
  internalLocal: false,
  affinity: null,
  ranges: [],
  protocol: 'TCP',
  weight: 1,
};

/** The frontends of a Service with one port: ClusterIP, node port and one load-balancer IP. */
function planeFrontends(shape: PlaneShape): readonly Frontend[] {
  const { name, number, nodePort, externalLocal, protocol, affinity } = shape;
  const service = `ns/${name}`;
  const servicePort = `${service}:http/${protocol}`;
  const all = shape.backends.map((one, index) => backend(one, index < shape.local, index === 0 ? shape.weight : 1));
  const cluster: Pool = { key: `${servicePort}#cluster`, backends: all };
  const local: Pool = { key: `${servicePort}#local`, backends: all.filter((one) => one.local) };
  const routes = routesOf(shape, cluster, local);
  const make = (kind: FrontendKind, address: Address | null, port: number): Frontend => ({
    id: `${kind}/${address ?? '*'}/${protocol}/${port}/${service}`,
    service,
    servicePort,
    family: 'IPv4',
    kind,
    address,
    protocol,
    port,
    routes: kind === 'ClusterIP' ? routes.internal : routes.external,
    allowedSources:
      kind === 'LoadBalancerIP' && shape.ranges.length > 0
        ? { prefixes: shape.ranges.map((one) => parsePrefix(one)).filter((one) => one !== null) }
        : null,
    affinity: affinity === null ? null : { timeoutSeconds: affinity },
    scheduler: null,
    drainSeconds: null,
    publication: null,
    exclusive: kind === 'LoadBalancerIP',
    precedence: name,
    healthCheckPort: externalLocal ? 32_000 : 0,
  });
  const of = (...prefix: readonly number[]): Address =>
    formatAddress(Uint8Array.from([...prefix, (number >> 8) & 255, number & 255]));
  return [
    make('ClusterIP', of(10, 96), 80),
    ...(nodePort === 0 ? [] : [make('NodePort', null, nodePort)]),
    ...(nodePort % 2 === 1 ? [make('LoadBalancerIP', of(203, 0), 80)] : []),
  ];
}

function routesOf(
  shape: PlaneShape,
  cluster: Pool,
  local: Pool,
): { readonly internal: Frontend['routes']; readonly external: Frontend['routes'] } {
  const every = (route: Route): Frontend['routes'] => ({ pod: route, node: route, outside: route });
  if (cluster.backends.length === 0) return { internal: every({ verdict: 'reject' }), external: every({ verdict: 'reject' }) };
  const to = (pool: Pool, masquerade: boolean): Route =>
    pool.backends.length === 0 ? { verdict: 'drop' } : { verdict: 'forward', pool, masquerade };
  const inner = shape.internalLocal ? local : cluster;
  return {
    internal: { pod: to(inner, false), node: to(inner, true), outside: to(inner, true) },
    external: shape.externalLocal
      ? { pod: to(cluster, false), node: to(cluster, true), outside: to(local, false) }
      : every(to(cluster, true)),
  };
}

/** A Service with a name out of a few dozen. */
export const planeShapes: fc.Arbitrary<PlaneShape> = fc
  .record({
    index: fc.nat(60),
    backends: fc.uniqueArray(fc.nat(60), { maxLength: 20 }),
    local: fc.nat(3),
    nodePort: fc.constantFrom(0, 30_000, 30_001),
    externalLocal: fc.boolean(),
    internalLocal: fc.boolean(),
    affinity: fc.constantFrom(null, null, 60, 90),
    ranges: fc.subarray(['198.51.100.0/24', '198.51.0.0/16', '203.0.113.7/32']),
    protocol: fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP'),
    weight: fc.constantFrom(1, 1, 0, 3),
  })
  // Two Services ask for each node port and address: the smaller name has it.
  .map(({ index, nodePort, ...rest }) => ({
    ...rest,
    name: `s${index}`,
    number: index >> 1,
    nodePort: nodePort === 0 ? 0 : nodePort + 2 * (index >> 1),
  }));

export function planeWish(list: readonly PlaneShape[]): Map<ServiceKey, readonly Frontend[]> {
  return new Map(list.map((shape) => [`ns/${shape.name}`, planeFrontends(shape)]));
}

export function completeChange(list: readonly PlaneShape[], settings = planeSettings): Change {
  return { settings, services: planeWish(list), complete: true };
}

export function partialChange(list: readonly PlaneShape[], settings = planeSettings): Change {
  return { settings, services: planeWish(list), complete: false };
}

/** The table of a port as it is. */
export async function readPlaneTable(port: NftPort, family: Family = 'IPv4'): Promise<TableState | null> {
  const { family: tableFamily, name } = planeTable(family);
  const table = await port.readTable(tableFamily, name);
  if (!table.ok) throw new Error(table.problem.message);
  return table.value;
}

const slotMaps: ReadonlySet<string> = new Set(
  lanes.flatMap((lane) => (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => slotMap(lane, protocol))),
);

/** A table as text that two tables share which do the same: which back end has which slot depends on what was there before. */
export function describePlane(table: TableState | null): string {
  if (table === null) return 'none';
  const chains = [...table.chains].map(([name, { chain, rules }]) => {
    const said = rules.map(({ statements }) => (statements === null ? '?' : formatRule(table.family, statements)));
    return `chain ${name} ${JSON.stringify(chain?.hook)}\n${said.join('\n---\n')}`;
  });
  const sets = [...table.sets].map(([name, { set, elements }]) => {
    const lines = slotMaps.has(name)
      ? describeSlots(elements)
      : elements.map(({ key, value }) => `${JSON.stringify(key)} ${JSON.stringify(value)}`);
    return `set ${name} ${JSON.stringify(Object.entries(set ?? {}).toSorted())}\n${lines.toSorted().join('\n')}`;
  });
  return [...chains.toSorted(), ...sets.toSorted()].join('\n\n');
}

function describeSlots(elements: readonly Element[]): string[] {
  const spots = Map.groupBy(elements, ({ key }) => JSON.stringify(key.slice(0, -1)));
  return [...spots].map(([spot, list]) => {
    const indices = list.map(({ key }) => Number(key.at(-1))).toSorted((a, b) => a - b);
    if (indices.some((index, at) => index !== at)) return `${spot} has holes: ${indices.join(' ')}`;
    return `${spot} ${list
      .map(({ value }) => JSON.stringify(value))
      .toSorted()
      .join(' ')}`;
  });
}
