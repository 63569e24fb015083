import { addressBits } from '../model/mod.ts';
import type { Backend, Frontend, HashFlag, PortRange, Publication, ServicePublishing, ServiceRecord } from '../model/mod.ts';
import { spreadOverNodes } from './direct-return.ts';
import type { DirectReturn } from './direct-return.ts';
import type { Group } from './group-ports.ts';
import { routeByMode } from './mode-routes.ts';
import type { RoutePolicy, RoutePools } from './mode-routes.ts';
import type { Tell } from './notice-board.ts';
import { rewriteOf } from './port-target.ts';
import { joinBackends } from './published-port.ts';
import type { PublishedPort } from './published-port.ts';

/** What all groups of a Service are made with. */
export interface GroupContext {
  readonly service: ServiceRecord;
  readonly publishing: ServicePublishing;
  /** All published ports of the Service, for ranges that are on their own. */
  readonly ports: readonly PublishedPort[];
  readonly policy: RoutePolicy;
  /** For the ports where no mark is left. */
  readonly plainPolicy: RoutePolicy;
  readonly capture: Publication['capture'];
  /** Null in modes other than `dsr`. */
  readonly direct: DirectReturn | null;
  /** How long a client keeps its back end; null: it does not. */
  readonly timeoutSeconds: number | null;
  readonly tell: Tell;
}

/** The frontends of one group: one for each address and port, and for each address and range. */
export function publishGroup(group: Group, context: GroupContext): Frontend[] {
  const pools = poolsOf(group, context);
  const routes = routeByMode(context.policy, pools);
  const publish = (frontend: Frontend, own: Pick<Publication, 'lastPort' | 'rewritePort' | 'plain'>): Frontend => {
    const scheduling = scheduleOf(group, frontend, context);
    const publication = { ...publicationOf(group, frontend, pools, context), schedulerFlags: scheduling.flags, ...own };
    return { ...frontend, routes, affinity: null, scheduler: scheduling.scheduler, publication };
  };
  const single = group.ports.flatMap((port) =>
    port.frontends.map((frontend) =>
      publish(frontend, {
        lastPort: frontend.port,
        rewritePort: group.keepsPorts ? rewriteOf(port) : null,
        plain: context.policy.acceptsClients ? serveByAddress(port, frontend, context.plainPolicy) : null,
      }),
    ),
  );
  const ranges = group.ranges.flatMap((range) =>
    sampleAddresses(context.ports).map((sample) =>
      publish(frontendOfRange(sample, range), { lastPort: range.last, rewritePort: null, plain: null }),
    ),
  );
  return [...single, ...ranges];
}

/** A frontend as a data plane without marks serves it. */
export function serveByAddress({ cluster, local }: PublishedPort, frontend: Frontend, policy: RoutePolicy): Frontend {
  return { ...frontend, routes: routeByMode(policy, { cluster, local, direct: local }), publication: null };
}

function poolsOf(group: Group, { ports, direct, tell }: GroupContext): RoutePools {
  // Whoever opens ports of a range is asked for the Service as a whole.
  const members = group.ports.length > 0 ? group.ports : ports;
  const join = (lists: readonly (readonly Backend[])[]): readonly Backend[] =>
    group.keepsPorts ? joinBackends(lists) : lists.flat();
  const cluster = join(members.map((port) => port.cluster.backends));
  const local = { key: `${group.name}#local`, backends: join(members.map((port) => port.local.backends)) };
  const pools = { cluster: { key: `${group.name}#cluster`, backends: cluster }, local };
  if (direct === null) return { ...pools, direct: local };
  const spread = spreadOverNodes(cluster, direct);
  if (spread.unreachable > 0) {
    const reason = `their Node is not known, has no address of ${direct.family}, or cannot be reached by direct routing`;
    tell('DSRNotAllowed', `${spread.unreachable} back ends of ${group.name} get no clients from outside: ${reason}`);
  }
  return { ...pools, direct: { key: `${group.name}#dsr`, backends: spread.backends } };
}

function publicationOf(
  group: Group,
  { family }: Frontend,
  { direct, local }: RoutePools,
  context: GroupContext,
): Omit<Publication, 'lastPort' | 'rewritePort' | 'plain' | 'schedulerFlags'> {
  const { publishing, capture, timeoutSeconds } = context;
  const prefixLength = Math.min(publishing.affinityPrefix[family], addressBits(family));
  const hasUdp = [...group.ports, ...group.ranges].some(({ protocol }) => protocol === 'UDP');
  // The kernel forgets such a packet at once (IP_VS_CONN_F_ONE_PACKET), so answers could not be translated back.
  const translatesNone = direct.backends.every(({ delivery }) => delivery !== undefined);
  return {
    group: group.name,
    capture,
    persistence: group.affinity === 'persistence' && timeoutSeconds !== null ? { timeoutSeconds, prefixLength } : null,
    onePacket: publishing.onePacket && context.direct !== null && hasUdp && translatesNone,
    connectionLimit: publishing.connectionLimit,
    segmentSize: context.direct?.segmentSize ?? null,
    secondHop: context.direct === null ? null : { key: `${group.name}#hop`, backends: local.backends },
  };
}

interface Scheduling {
  readonly scheduler: string | null;
  readonly flags: readonly HashFlag[] | null;
}

/** With direct return all nodes have to send a flow to the same place, so that it survives another way in. */
function scheduleOf({ affinity }: Group, frontend: Frontend, { direct, publishing }: GroupContext): Scheduling {
  if (affinity === 'hash') return { scheduler: 'mh', flags: ['fallback'] };
  const scheduler = frontend.scheduler ?? (direct === null ? null : 'mh');
  const hashes = hasHashFlags(scheduler);
  const standard: readonly HashFlag[] | null = direct === null ? null : ['fallback', 'port'];
  return { scheduler, flags: hashes ? (publishing.schedulerFlags ?? standard) : null };
}

export function hasHashFlags(scheduler: string | null): boolean {
  return scheduler === 'sh' || scheduler === 'mh';
}

/** One frontend of each address; that of a load balancer, which knows who may connect, before that of an external IP. */
function sampleAddresses(ports: readonly PublishedPort[]): readonly Frontend[] {
  const samples = new Map<string, Frontend>();
  for (const frontend of ports.flatMap((port) => port.frontends)) {
    const known = samples.get(frontend.address ?? '');
    if (known === undefined || (known.kind === 'ExternalIP' && frontend.kind === 'LoadBalancerIP'))
      samples.set(frontend.address ?? '', frontend);
  }
  return [...samples.values()];
}

function frontendOfRange(sample: Frontend, range: PortRange): Frontend {
  const { protocol, first, last } = range;
  return {
    ...sample,
    id: `${sample.kind}/${sample.address ?? '*'}/${protocol}/${first}-${last}/${sample.service}`,
    servicePort: `${sample.service}:${first}-${last}/${protocol}`,
    protocol,
    port: first,
  };
}
