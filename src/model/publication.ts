import type { Family } from './family.ts';
import type { Frontend, Pool } from './frontend.ts';
import type { Protocol } from './port.ts';

/**
 * What a Service's annotations ask of ingress (specification of ingress, 15), besides {@link ServiceTuning}. Null: not said,
 * so the node's configuration decides. Everything is checked at the door.
 */
export interface ServicePublishing {
  /** `waypost.dev/ingress`. */
  readonly method: PublishingMethod | null;
  /** `waypost.dev/ingress-mode`. */
  readonly mode: PublishingMode | null;
  /** `waypost.dev/affinity-scope`. */
  readonly affinityScope: 'port' | 'service';
  /** `waypost.dev/affinity-timeout`, in seconds from 1 to 86400. */
  readonly affinityTimeoutSeconds: number | null;
  /** `waypost.dev/affinity-mask-v4` and `-v6`: clients whose first so many bits agree count as one. */
  readonly affinityPrefix: Readonly<Record<Family, number>>;
  /** `waypost.dev/scheduler-flags`; of `sh` and `mh` only. */
  readonly schedulerFlags: readonly HashFlag[] | null;
  /** `waypost.dev/port-ranges`, sorted, without overlaps of one protocol; at most 64. */
  readonly portRanges: readonly PortRange[];
  /** `waypost.dev/port-remap`. */
  readonly portRemap: 'stateless' | 'none';
  /** `waypost.dev/dsr-method`. */
  readonly dsrMethod: DirectReturnMethod | null;
  /** `waypost.dev/vip-capture`. */
  readonly capture: AddressCapture | null;
  /** `waypost.dev/preserve-client-ip` is `auto`. */
  readonly preserveClientIp: boolean;
  /** `waypost.dev/connection-limit`: active and inactive connections of one back end; 0: none. */
  readonly connectionLimit: number;
  /** `waypost.dev/one-packet`. */
  readonly onePacket: boolean;
  /** `waypost.dev/source-ranges-apply-to-nodeports`. */
  readonly sourceRangesOnNodePorts: boolean;
  /** `waypost.dev/no-endpoints-action`. */
  readonly noEndpointsAction: 'drop' | 'reject' | null;
  /** `waypost.dev/ingress-nodes`: labels that a node must have to accept for the Service; null: every node accepts. */
  readonly nodeSelector: readonly LabelRequirement[] | null;
  /** `waypost.dev/announce` is `garp`. */
  readonly announce: boolean;
  /** `waypost.dev/health-check` and what goes with it; null: back ends are not asked. */
  readonly healthCheck: HealthCheckSpec | null;
}

/** What a Service that says nothing of ingress asks for. */
export const noPublishing: ServicePublishing = {
  method: null,
  mode: null,
  affinityScope: 'port',
  affinityTimeoutSeconds: null,
  affinityPrefix: { IPv4: 32, IPv6: 128 },
  schedulerFlags: null,
  portRanges: [],
  portRemap: 'stateless',
  dsrMethod: null,
  capture: null,
  preserveClientIp: false,
  connectionLimit: 0,
  onePacket: false,
  sourceRangesOnNodePorts: false,
  noEndpointsAction: null,
  nodeSelector: null,
  announce: false,
  healthCheck: null,
};

/** `fwmark`: one virtual server of a mark; `address`: one of each address and port; `none`: not published by this product. */
export type PublishingMethod = 'fwmark' | 'address' | 'none';

/** Any node and any back end, only back ends of the node that got the packet, or answers that go their own way. */
export type PublishingMode = 'mesh' | 'local' | 'dsr';

export type HashFlag = 'fallback' | 'port';
export type DirectReturnMethod = 'ipip' | 'gue' | 'dr';
/** `local`: the address is local to the node; `policy`: only the published ports are taken, by a routing rule. */
export type AddressCapture = 'local' | 'policy';

/** Ports that are published as they are, both ends included. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
}

/** One part of a label selector (apimachinery `LabelSelectorRequirement`, text form). */
export type LabelRequirement =
  | { readonly label: string; readonly operator: 'in' | 'not-in'; readonly values: readonly string[] }
  | { readonly label: string; readonly operator: 'exists' | 'not-exists' };

/** How back ends of a Service are asked whether they live. */
export interface HealthCheckSpec {
  readonly probe: HealthProbe;
  /** TCP port that is asked; null: that of the first TCP port of the back end. */
  readonly port: number | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many answers in a row bring a back end back, so many failures in a row take it out. */
  readonly rise: number;
  readonly fall: number;
}

export type HealthProbe =
  | { readonly kind: 'tcp' }
  /** Healthy is a status from 200 to 399. */
  | { readonly kind: 'http'; readonly path: string; readonly host: string | null }
  /** Name of a program in the node's folder for checks; it gets address, port and protocol as arguments. Healthy is exit code 0. */
  | { readonly kind: 'exec'; readonly program: string };

/**
 * How ingress publishes a frontend in a data plane that has virtual servers of marks (specification of ingress, 3 to 8).
 * Pools of published frontends hold back ends with port 0 where the packet's own port is kept.
 */
export interface Publication {
  /** Frontends of one group and one pool share one mark: `<namespace/name>#all`, or `<namespace/name>#<protocol>/<port>`. */
  readonly group: string;
  /** Last port of a range that `port` of the frontend begins; `port` itself where it is one port. */
  readonly lastPort: number;
  /** Packets get this port before anything tracks or balances them, and their answers the old one; null: they keep it. */
  readonly rewritePort: number | null;
  readonly capture: AddressCapture;
  /** Clients meet one back end on all ports of the group. */
  readonly persistence: { readonly timeoutSeconds: number; readonly prefixLength: number } | null;
  /** Null: the data plane's own choice. */
  readonly schedulerFlags: readonly HashFlag[] | null;
  readonly onePacket: boolean;
  /** 0: none. */
  readonly connectionLimit: number;
  /** Back ends announce segments of TCP of at most so many octets, since what clients send grows on its way; null: it does not. */
  readonly segmentSize: number | null;
  /** What packets that another node sends on are balanced over, so that they are never sent on again; null: nothing is sent on. */
  readonly secondHop: Pool | null;
  /** What the data plane serves where it has no mark left; null: nothing. */
  readonly plain: Frontend | null;
}

/** How the node hands a packet to a back end that is another node: it must arrive there as it came. */
export type Delivery =
  | { readonly method: 'direct' }
  | { readonly method: 'tunnel'; readonly encapsulation: 'ipip' }
  | { readonly method: 'tunnel'; readonly encapsulation: 'gue'; readonly port: number };
