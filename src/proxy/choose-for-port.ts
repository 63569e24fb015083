import { chooseEndpoints, familyOf } from '../model/mod.ts';
import type {
  Address,
  Choice,
  Family,
  FrontendKind,
  Publisher,
  ServicePortRecord,
  ServiceRecord,
  SliceRecord,
} from '../model/mod.ts';
import { mergeEndpoints } from './merge-endpoints.ts';
import type { MergedEndpoint } from './merge-endpoints.ts';

/** From where endpoints are chosen. */
export interface ChoicePlace {
  readonly family: Family;
  readonly nodeName: string;
  readonly zone: string | null;
  readonly externalIps: boolean;
}

/** What a Service is reached by from outside: an address and port, or a node port. */
export interface OuterDestination {
  readonly kind: FrontendKind;
  readonly address: Address | null;
  readonly number: number;
}

/** The endpoints of one service port and which of them are used. */
export interface PortChoice {
  /** As the cluster tells them. */
  readonly known: readonly MergedEndpoint[];
  /** The same in the same order; what an active check found dead is neither ready nor serving. */
  readonly endpoints: readonly MergedEndpoint[];
  readonly choice: Choice<MergedEndpoint>;
  readonly outer: readonly OuterDestination[];
  /** Clients outside are kept to endpoints of this node. */
  readonly externalLocal: boolean;
}

/** Chooses the endpoints of a service port for clients inside and outside (specification 2 and 3). */
export function chooseForPort(
  service: ServiceRecord,
  port: ServicePortRecord,
  slices: readonly SliceRecord[],
  from: ChoicePlace,
  publisher: Publisher | null,
): PortChoice {
  const outer = externalDestinations(service, port, from);
  const externalLocal = service.externalLocal && countsExternalPolicy(service);
  const known = mergeEndpoints(slices, { family: from.family, name: port.name, protocol: port.protocol });
  const endpoints = markDead(known, service, port, publisher);
  const choice = chooseEndpoints(
    endpoints,
    { nodeName: from.nodeName, zone: from.zone },
    {
      cluster: !service.internalLocal || outer.length > 0,
      local: service.internalLocal || (externalLocal && outer.length > 0),
    },
  );
  return { known, endpoints, choice, outer, externalLocal };
}

/** What an active check found dead gets no new connections, whatever the cluster says of it. */
function markDead(
  endpoints: readonly MergedEndpoint[],
  { key, publishing }: ServiceRecord,
  { protocol }: ServicePortRecord,
  publisher: Publisher | null,
): readonly MergedEndpoint[] {
  if (publisher === null || (publishing?.healthCheck ?? null) === null) return endpoints;
  return endpoints.map((endpoint) =>
    publisher.isLive(key, { address: endpoint.address, protocol, port: endpoint.port })
      ? endpoint
      : { ...endpoint, ready: false, serving: false },
  );
}

function externalDestinations(service: ServiceRecord, port: ServicePortRecord, from: ChoicePlace): OuterDestination[] {
  const ofFamily = (addresses: readonly Address[]): Address[] =>
    [...new Set(addresses)].filter((one) => familyOf(one) === from.family);
  const at =
    (kind: FrontendKind) =>
    (address: Address): OuterDestination => ({ kind, address, number: port.port });
  return [
    ...(port.nodePort === 0 ? [] : [{ kind: 'NodePort', address: null, number: port.nodePort } as const]),
    ...(from.externalIps ? ofFamily(service.externalIps).map(at('ExternalIP')) : []),
    ...ofFamily(virtualIps(service)).map(at('LoadBalancerIP')),
  ];
}

/** Addresses of load balancers that packets still have when they come here. */
export function virtualIps(service: ServiceRecord): Address[] {
  return service.loadBalancer.filter((ingress) => ingress.ipMode === 'VIP').map((ingress) => ingress.address);
}

/** Whether the type makes the Service reachable from outside, so that its external policy counts. */
function countsExternalPolicy(service: ServiceRecord): boolean {
  return service.type !== 'ClusterIP' || service.externalIps.length > 0;
}
