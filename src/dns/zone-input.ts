import type { Address, Protocol } from '../model/mod.ts';

/**
 * What the main thread tells a worker of the cluster. Plain data that `structuredClone` copies; a change carries whole
 * Services, never parts of one.
 */
export interface ZoneChange {
  readonly services: readonly ZoneService[];
  /** `namespace/name` of Services that are gone. */
  readonly removedServices: readonly string[];
  readonly namespaces: readonly ZoneNamespace[];
  readonly removedNamespaces: readonly string[];
  /** Pods, where a feature needs them (specification 3.7, 14). */
  readonly pods: readonly ZonePod[];
  /** `namespace/name`. */
  readonly removedPods: readonly string[];
  /** The last change of the first complete read: from here on a missing name is missing (specification 15.2). */
  readonly synced: boolean;
  /** Seconds since 1970 at which the change was seen, for the serial number. */
  readonly at: number;
}

export type LabelSet = Readonly<Record<string, string>>;

export interface ZoneNamespace {
  readonly name: string;
  readonly labels: LabelSet;
}

export interface ZoneService {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'cluster' | 'headless' | 'external';
  /** At most one for each family; empty for the other kinds. */
  readonly clusterIps: readonly Address[];
  /** As in the object; empty for the other kinds. */
  readonly externalName: string;
  readonly ports: readonly ZonePort[];
  /** One for each EndpointSlice; ready endpoints only (specification 1.4). */
  readonly slices: readonly ZoneSlice[];
  /** Empty where no filter needs them. */
  readonly labels: LabelSet;
}

export interface ZonePort {
  /** Empty for an unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface ZoneSlice {
  /** Only ports that have a number (specification 1.7). */
  readonly ports: readonly ZonePort[];
  readonly endpoints: readonly ZoneEndpoint[];
  /** Empty where no filter needs them. */
  readonly labels: LabelSet;
}

export interface ZoneEndpoint {
  /** In canonical form. */
  readonly address: Address;
  /** Null where the endpoint has none. */
  readonly hostname: string | null;
  /** The name of the Pod behind it; null where there is none. */
  readonly podName: string | null;
  readonly zone: string | null;
}

export interface ZonePod {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  /** All of `status.podIPs`, canonical. A pod that ended or is being deleted is not told of, or told as removed. */
  readonly addresses: readonly Address[];
  /** Whether it is a pod of this node. */
  readonly local: boolean;
  readonly labels: LabelSet;
}
