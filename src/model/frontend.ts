import type { Address } from './address.ts';
import type { Family } from './family.ts';
import type { Prefix } from './prefix.ts';
import type { Protocol } from './port.ts';
import type { Delivery, Publication } from './publication.ts';
import type { Affinity, ServiceKey } from './records.ts';

/** One place a connection can be sent to. */
export interface Backend {
  readonly address: Address;
  readonly port: number;
  /** Share of new connections relative to its neighbours. */
  readonly weight: number;
  /** On this node. */
  readonly local: boolean;
  /** Absent: by translation of the address. Another node that has back ends of the Service gets packets as they came. */
  readonly delivery?: Delivery;
}

/**
 * A list of back ends that several frontends share. Two pools with the same key hold the same list.
 * The key is `<service port>#cluster` or `<service port>#local`.
 */
export interface Pool {
  readonly key: string;
  readonly backends: readonly Backend[];
}

/**
 * Where a packet comes from: a pod (what the pod-traffic detector recognises), a process in the
 * node's own network namespace, or anything else.
 */
export type ClientClass = 'pod' | 'node' | 'outside';

export const clientClasses: readonly ClientClass[] = ['pod', 'node', 'outside'];

/**
 * What becomes of a new connection: forwarded to one of a pool (never empty), answered with ICMP
 * port-unreachable, or discarded.
 */
export type Route =
  | { readonly verdict: 'forward'; readonly pool: Pool; readonly masquerade: boolean }
  | { readonly verdict: 'reject' }
  | { readonly verdict: 'drop' };

export type FrontendKind = 'ClusterIP' | 'NodePort' | 'ExternalIP' | 'LoadBalancerIP';

/** Who may connect (specification 5). Any other source is dropped, pods and the node included. */
export interface AllowedSources {
  readonly prefixes: readonly Prefix[];
}

/**
 * One (address or node port, protocol, port) of one Service: everything a data plane needs and
 * nothing else. Service semantics end here.
 */
export interface Frontend {
  /** Unique in its family: `<kind>/<address or *>/<protocol>/<port>/<service>`. */
  readonly id: string;
  readonly service: ServiceKey;
  /** `namespace/name:port-name/protocol`; frontends of one service port share affinity and pools. */
  readonly servicePort: string;
  readonly family: Family;
  readonly kind: FrontendKind;
  /** Null for a node port: every address that accepts node ports. */
  readonly address: Address | null;
  readonly protocol: Protocol;
  readonly port: number;
  readonly routes: Readonly<Record<ClientClass, Route>>;
  /** Null: everyone. */
  readonly allowedSources: AllowedSources | null;
  readonly affinity: Affinity | null;
  /**
   * TCP port on which this node tells load balancers whether it has back ends for the Service; 0 for none. A
   * data plane that filters lets it in. The same for all frontends of a Service.
   */
  readonly healthCheckPort: number;
  /** IPVS scheduler name, or null for the data plane's default. */
  readonly scheduler: string | null;
  /** How long a back end that left may go on serving the connections it has, in seconds; null for the data plane's default. */
  readonly drainSeconds: number | null;
  /** The address is of Services alone: packets to it that no frontend takes are not sent on. Absent: they are routed like any others. */
  readonly exclusive?: boolean;
  /** How ingress publishes it; null: it does not. */
  readonly publication: Publication | null;
  /**
   * Of two Services that ask for one destination the one with the smaller text has it: time of creation, UID, name, so that
   * the older wins and all nodes agree.
   */
  readonly precedence: string;
}
