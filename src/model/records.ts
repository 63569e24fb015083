import type { Address } from './address.ts';
import type { AddressRequest } from './address-pool.ts';
import type { Family } from './family.ts';
import type { Prefix } from './prefix.ts';
import type { Protocol } from './port.ts';
import type { ServicePublishing } from './publication.ts';

/** `namespace/name` of a Service. */
export type ServiceKey = string;

/** Labels of an object, where somebody asked for them; else {@link noLabels}. */
export type Labels = Readonly<Record<string, string>>;

/** The labels of nearly everything, kept once. */
export const noLabels: Labels = {};

/**
 * What the product keeps of a Service (core/v1). Unknown or malformed parts were reported and left
 * out at the door, so every value here is usable.
 */
export interface ServiceRecord {
  readonly key: ServiceKey;
  readonly namespace: string;
  readonly name: string;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** False where another proxy was named or the ClusterIP is `None`: DNS alone knows the Service (specification 1.1). */
  readonly proxied: boolean;
  /** `spec.clusterIP` is `None` or empty. */
  readonly headless: boolean;
  /** At most one ClusterIP for each family, resolved from `spec.ipFamilies` (specification 1.6). */
  readonly clusterIps: ClusterIps;
  /**
   * What DNS publishes: `spec.clusterIPs` by family, whatever `spec.ipFamilies` says (DNS specification 1.8). Null where the
   * first is `None`. The same object as `clusterIps` where both agree.
   */
  readonly publishedIps: ClusterIps | null;
  /** As in the object; empty where it has none. */
  readonly externalName: string;
  /** Both families mixed. */
  readonly externalIps: readonly Address[];
  readonly loadBalancer: readonly LoadBalancerIngress[];
  /** Both families mixed. */
  readonly sourceRanges: readonly Prefix[];
  readonly ports: readonly ServicePortRecord[];
  /** Null for affinity `None`. */
  readonly affinity: Affinity | null;
  /** `internalTrafficPolicy` is `Local`. */
  readonly internalLocal: boolean;
  /** `externalTrafficPolicy` is `Local`; whether that counts depends on the type (specification 2). */
  readonly externalLocal: boolean;
  /** 0 where none is set. */
  readonly healthCheckNodePort: number;
  readonly tuning: ServiceTuning;
  readonly labels: Labels;
  /** `spec.loadBalancerClass`; null where none is named. */
  readonly loadBalancerClass: string | null;
  /** Null where no annotation of ingress is there. */
  readonly publishing: ServicePublishing | null;
  /** Absent where nothing is asked of the allocator of addresses. */
  readonly addressRequest?: AddressRequest;
  /** `metadata.creationTimestamp` in seconds since 1970, and `metadata.uid`; 0 and empty where a source has none. */
  readonly createdAt: number;
  readonly uid: string;
}

/** At most one ClusterIP for each family. */
export type ClusterIps = Readonly<Partial<Record<Family, Address>>>;

/** What annotations of ours ask for. Null: the default of the data plane. */
export interface ServiceTuning {
  /** `waypost.dev/scheduler`: the name of a kernel scheduler. */
  readonly scheduler: string | null;
  /** `waypost.dev/weights`, sorted by kind and name. Endpoints that none names weigh 1; empty: all of them. */
  readonly weights: readonly EndpointWeight[];
  /** `waypost.dev/drain-time`. */
  readonly drainSeconds: number | null;
}

/** How much of the new connections the endpoints of a node or zone get, relative to others: 0 to 65535. */
export interface EndpointWeight {
  /** An entry for the node counts before one for its zone. */
  readonly kind: 'node' | 'zone';
  readonly name: string;
  readonly weight: number;
}

/** The tuning of nearly all Services, kept once. */
export const noTuning: ServiceTuning = { scheduler: null, weights: [], drainSeconds: null };

export interface LoadBalancerIngress {
  readonly address: Address;
  readonly ipMode: 'VIP' | 'Proxy';
}

export interface Affinity {
  readonly timeoutSeconds: number;
}

export interface ServicePortRecord {
  /** Empty for the only port of a Service that does not name it. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** 0 where none is allocated. */
  readonly nodePort: number;
}

/** What the product keeps of an EndpointSlice (discovery.k8s.io/v1). */
export interface SliceRecord {
  /** `namespace/name` of the slice itself. */
  readonly key: string;
  readonly service: ServiceKey;
  /** False where the label of headless Services hides it from proxies: DNS alone knows it (specification 1.1). */
  readonly proxied: boolean;
  readonly family: Family;
  readonly ports: readonly SlicePortRecord[];
  /** What DNS makes of the ports: those without a name count as well. Nearly always the same list as `ports`. */
  readonly publishedPorts: readonly SlicePortRecord[];
  readonly endpoints: readonly EndpointRecord[];
  /** Endpoints by the second and further addresses of their entries, which a proxy does not use and DNS does. */
  readonly furtherEndpoints: readonly EndpointRecord[];
  /** Annotation `endpoints.kubernetes.io/last-change-trigger-time` in milliseconds since 1970, or null. */
  readonly triggeredAt: number | null;
  readonly labels: Labels;
}

export interface SlicePortRecord {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** Nil conditions have become their defaults (specification 1.3). */
export interface EndpointRecord {
  readonly address: Address;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Null where the slice names no node: never local. */
  readonly nodeName: string | null;
  /** The zone of its node; null where the slice names none. */
  readonly zone: string | null;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  /** One label of a domain name; null where the slice gives none or nobody asked. */
  readonly hostname: string | null;
  /** The Pod behind it; null where the slice names none or nobody asked. */
  readonly podName: string | null;
}

/** What the product keeps of its own Node (core/v1). */
export interface NodeRecord {
  readonly name: string;
  /** `InternalIP` first, then `ExternalIP`, in the order of `status.addresses`. */
  readonly addresses: readonly Address[];
  readonly podCidrs: readonly Prefix[];
  /** Label `topology.kubernetes.io/zone`; null where absent or empty. */
  readonly zone: string | null;
  /** Taint `ToBeDeletedByClusterAutoscaler` is present, or a deletion timestamp is set. */
  readonly leaving: boolean;
  /** Kept only where ingress asks for them; else {@link noLabels}. */
  readonly labels: Labels;
  /** `waypost.dev/node-weight`: what an endpoint on the node weighs where its Service says nothing else; null: 1. */
  readonly weight: number | null;
}

/** What ingress asks of a source, beyond what a proxy needs. */
export interface IngressData {
  /** All Nodes are followed, not only this one: direct return, weights and selectors need them. */
  readonly nodes: boolean;
}

/** What the product keeps of a Namespace (core/v1). */
export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Labels;
}

/** What the product keeps of a Pod (core/v1) that runs or will run; one that ended or is being deleted has no record. */
export interface PodRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  /** All of `status.podIPs`. */
  readonly addresses: readonly Address[];
  /** Null before it is scheduled. */
  readonly nodeName: string | null;
  readonly labels: Labels;
}

/** What DNS asks of a source, beyond what a proxy needs. */
export interface DnsData {
  /** Which Pods are followed: none, those of this node, or all. */
  readonly pods: 'none' | 'node' | 'all';
  readonly keepLabels: boolean;
}
