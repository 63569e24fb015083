import { formatPrefix, noLabels, noPublishing, noTuning, parseAddress, parsePrefix } from '../model/mod.ts';
import type {
  Address,
  Backend,
  Family,
  Frontend,
  FrontendKind,
  NodeRecord,
  Pool,
  Prefix,
  Protocol,
  PublishNotice,
  PublishRequest,
  Route,
  ServiceKey,
  ServicePublishing,
  ServiceRecord,
} from '../model/mod.ts';
import { createPublisher } from './publisher.ts';
import type { IngressPublisher, PublisherFacts, PublisherOptions, PublisherSettings } from './publisher-settings.ts';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(`bad address in a test: ${text}`);
  return parsed;
}

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(`bad range in a test: ${text}`);
  return parsed;
}

/** A port of a Service and where its back ends listen. */
export interface PortShape {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort: number;
  readonly target: number;
}

/** A back end. */
export interface EndShape {
  readonly address: string;
  readonly node: string | null;
  readonly weight: number;
  /** By name of the port: where this one listens instead, or null where it does not serve the port. */
  readonly targets: Readonly<Record<string, number | null>>;
}

/** A Service in few words. */
export interface Shape {
  readonly name: string;
  readonly service: Partial<ServiceRecord>;
  readonly publishing: Partial<ServicePublishing> | null;
  readonly ports: readonly PortShape[];
  readonly ends: readonly EndShape[];
  readonly vips: readonly string[];
  readonly externalIps: readonly string[];
}

export function port(number: number, over: Partial<PortShape> = {}): PortShape {
  const { protocol = 'TCP' } = over;
  return { name: `${protocol.toLowerCase()}-${number}`, protocol, port: number, nodePort: 0, target: number, ...over };
}

export function end(text: string, onNode: string | null = 'node-2', over: Partial<EndShape> = {}): EndShape {
  return { address: text, node: onNode, weight: 1, targets: {}, ...over };
}

export function shape(over: Partial<Shape> = {}): Shape {
  return {
    name: 'web',
    service: {},
    publishing: null,
    ports: [port(80)],
    ends: [end('10.244.1.5', 'node-1'), end('10.244.2.6', 'node-2')],
    vips: ['203.0.113.5'],
    externalIps: [],
    ...over,
  };
}

export function recordOf({ name, service, publishing, ports }: Shape): ServiceRecord {
  const clusterIps = { IPv4: address('10.96.0.10') };
  return {
    key: `shop/${name}`,
    namespace: 'shop',
    name,
    type: 'LoadBalancer',
    proxied: true,
    headless: false,
    clusterIps,
    publishedIps: clusterIps,
    externalName: '',
    externalIps: [],
    loadBalancer: [],
    sourceRanges: [],
    ports: ports.map(({ name: portName, protocol, port: number, nodePort }) => ({
      name: portName,
      protocol,
      port: number,
      nodePort,
    })),
    affinity: null,
    internalLocal: false,
    externalLocal: false,
    healthCheckNodePort: 0,
    tuning: noTuning,
    labels: noLabels,
    loadBalancerClass: 'waypost.dev/ingress',
    publishing: publishing === null ? null : { ...noPublishing, ...publishing },
    createdAt: 0,
    uid: '',
    ...service,
  };
}

/** The Service as the view of a proxy derives it on a node that tells pods from others. */
export function requestOf(of: Shape, nodeName = 'node-1', family: Family = 'IPv4'): PublishRequest {
  const service = recordOf(of);
  const nodeOf = (backend: Address): string | null => of.ends.find((one) => one.address === backend)?.node ?? null;
  return { service, family, frontends: of.ports.flatMap((one) => frontendsOf(of, service, one, { nodeName, family })), nodeOf };
}

function frontendsOf(
  of: Shape,
  service: ServiceRecord,
  { name, protocol, port: number, nodePort, target }: PortShape,
  { nodeName, family }: { readonly nodeName: string; readonly family: Family },
): Frontend[] {
  const servicePort = `${service.key}:${name}/${protocol}`;
  const backends = of.ends.flatMap((one): Backend[] => {
    const own = one.targets[name] === undefined ? target : one.targets[name];
    if (own === null) return [];
    return [{ address: address(one.address), port: own, weight: one.weight, local: one.node === nodeName }];
  });
  const cluster: Pool = { key: `${servicePort}#cluster`, backends };
  const local: Pool = { key: `${servicePort}#local`, backends: backends.filter((one) => one.local) };
  const ranges = service.sourceRanges.filter((range) => range.family === family);
  const make = (kind: FrontendKind, at: Address | null, own: number, routes: Frontend['routes']): Frontend => ({
    id: `${kind}/${at ?? '*'}/${protocol}/${own}/${service.key}`,
    service: service.key,
    servicePort,
    family,
    kind,
    address: at,
    protocol,
    port: own,
    routes,
    allowedSources: kind === 'LoadBalancerIP' && ranges.length > 0 ? { prefixes: ranges } : null,
    affinity: service.affinity,
    healthCheckPort: 0,
    scheduler: service.tuning.scheduler,
    drainSeconds: null,
    publication: null,
    precedence: '',
  });
  const outer = externalRoutes(service, cluster, local);
  const clusterIp = family === 'IPv4' ? '10.96.0.10' : 'fd00:96::10';
  return [
    make('ClusterIP', address(clusterIp), number, everyone(to(cluster, false))),
    ...(nodePort === 0 ? [] : [make('NodePort', null, nodePort, outer)]),
    ...of.externalIps.map((text) => make('ExternalIP', address(text), number, outer)),
    ...of.vips.map((text) => make('LoadBalancerIP', address(text), number, outer)),
  ];
}

function externalRoutes({ externalLocal }: ServiceRecord, cluster: Pool, local: Pool): Frontend['routes'] {
  if (cluster.backends.length === 0 || !externalLocal) return everyone(to(cluster, true));
  const outside: Route = local.backends.length === 0 ? { verdict: 'drop' } : to(local, false);
  return { pod: to(cluster, false), node: to(cluster, true), outside };
}

function to(pool: Pool, masquerade: boolean): Route {
  return pool.backends.length === 0 ? { verdict: 'reject' } : { verdict: 'forward', pool, masquerade };
}

function everyone(route: Route): Frontend['routes'] {
  return { pod: route, node: route, outside: route };
}

export const settings: PublisherSettings = {
  className: 'waypost.dev/ingress',
  vipCidrs: null,
  externalIps: [],
  capture: 'local',
  announces: false,
  directReturn: { enabled: true, method: 'ipip', guePort: 6080 },
  noEndpointsAction: null,
  detectsPods: true,
  limits: { portsPerService: 512, rangesPerService: 64, marksPerNamespace: 0 },
};

export function node(name: string, addresses: readonly string[], over: Partial<NodeRecord> = {}): readonly [string, NodeRecord] {
  const record: NodeRecord = {
    name,
    addresses: addresses.map(address),
    podCidrs: [],
    zone: null,
    leaving: false,
    labels: noLabels,
    weight: null,
  };
  return [name, { ...record, ...over }];
}

export const facts: PublisherFacts = {
  nodeAddresses: [address('192.0.2.1'), address('172.17.0.1')],
  apiServers: [address('192.0.2.100')],
  podCidrs: [prefix('10.244.0.0/16'), prefix('fd00:244::/48')],
  serviceCidrs: [prefix('10.96.0.0/12'), prefix('fd00:96::/112')],
  nodes: new Map([
    node('node-1', ['192.0.2.1', 'fd00::1']),
    node('node-2', ['192.0.2.2', 'fd00::2']),
    node('node-3', ['192.0.2.3'], { podCidrs: [prefix('10.99.3.0/24')] }),
  ]),
};

/** A publisher and what it said. */
export interface Scene {
  readonly publisher: IngressPublisher;
  readonly notices: readonly PublishNotice[];
  readonly touched: readonly (readonly ServiceKey[])[];
  publish(of: Shape): readonly Frontend[];
}

export function scene(
  over: Partial<Omit<PublisherOptions, 'settings'>> & { readonly settings?: Partial<PublisherSettings> } = {},
): Scene {
  const notices: PublishNotice[] = [];
  const touched: ServiceKey[][] = [];
  const publisher = createPublisher({
    mode: 'ipvs',
    nodeName: 'node-1',
    facts: () => facts,
    notice: (notice) => notices.push(notice),
    touch: (services) => touched.push([...services].toSorted()),
    ...over,
    settings: { ...settings, ...over.settings },
  });
  const nodeName = over.nodeName ?? 'node-1';
  return { publisher, notices, touched, publish: (of) => publisher.publish(requestOf(of, nodeName)) };
}

/** `reason: message` of all notices but that all is well. */
export function complaints({ notices }: Scene): string[] {
  return notices.filter(({ reason }) => reason !== 'Published').map(({ reason, message }) => `${reason}: ${message}`);
}

/** One line for each frontend outside the cluster: where, how, and who serves clients of each class. */
export function draw(frontends: readonly Frontend[]): string[] {
  return frontends.filter(({ kind }) => kind !== 'ClusterIP').map(drawFrontend);
}

function drawFrontend({
  address: at,
  protocol,
  port: first,
  routes,
  publication,
  affinity,
  scheduler,
  allowedSources,
}: Frontend): string {
  const last = publication === null || publication.lastPort === first ? '' : `-${publication.lastPort}`;
  const how = publication === null ? 'plain' : drawPublication(publication);
  const extra = [
    affinity === null ? '' : ` affinity=${affinity.timeoutSeconds}`,
    scheduler === null ? '' : ` ${scheduler}`,
    allowedSources === null ? '' : ` from ${allowedSources.prefixes.map(formatPrefix).join()}`,
  ];
  const [pod, host, outside] = [routes.pod, routes.node, routes.outside].map(drawRoute);
  const led = pod === host && host === outside ? `all ${pod}` : `pod ${pod} node ${host} outside ${outside}`;
  return `${protocol} ${at ?? '*'}:${first}${last} ${how}${extra.join('')} | ${led}`;
}

function drawPublication({
  group,
  rewritePort,
  capture,
  persistence,
  schedulerFlags,
  ...rest
}: NonNullable<Frontend['publication']>): string {
  const parts = [
    group,
    rewritePort === null ? '' : `->${rewritePort}`,
    capture === 'local' ? '' : capture,
    persistence === null ? '' : `sticky=${persistence.timeoutSeconds}/${persistence.prefixLength}`,
    schedulerFlags === null ? '' : `flags=${schedulerFlags.join()}`,
    rest.onePacket ? 'one-packet' : '',
    rest.connectionLimit === 0 ? '' : `limit=${rest.connectionLimit}`,
    rest.secondHop === null ? '' : `hop=[${drawBackends(rest.secondHop.backends)}]`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function drawRoute(route: Route): string {
  if (route.verdict !== 'forward') return route.verdict;
  const name = route.pool.key.slice(route.pool.key.lastIndexOf('#'));
  return `${name}[${drawBackends(route.pool.backends)}]${route.masquerade ? '' : ' as itself'}`;
}

function drawBackends(backends: readonly Backend[]): string {
  return backends.map(drawBackend).join(' ');
}

function drawBackend({ address: at, port: number, weight, delivery }: Backend): string {
  const means = delivery === undefined ? '' : `!${delivery.method === 'direct' ? 'dr' : delivery.encapsulation}`;
  return `${at}:${number}${weight === 1 ? '' : `*${weight}`}${means}`;
}
