import type { Address } from './address.ts';
import type { Family } from './family.ts';
import type { Frontend } from './frontend.ts';
import type { Protocol } from './port.ts';
import type { ServiceKey, ServiceRecord } from './records.ts';

/** A Service as a proxy serves it without ingress. */
export interface PublishRequest {
  readonly service: ServiceRecord;
  readonly family: Family;
  /** Of this family. */
  readonly frontends: readonly Frontend[];
  /** Name of the node that has a back end of the Service, or null. */
  readonly nodeOf: (backend: Address) => string | null;
}

/** What ingress has to say about a Service's frontends. The view of a proxy asks it, and knows nothing of ingress. */
export interface Publisher {
  /** Ingress may refuse addresses, leave frontends as they are, or publish them. Pure towards the frontends it got. */
  publish(request: PublishRequest): readonly Frontend[];
  /** The Service is gone, or is not served in this family any more. */
  forget(service: ServiceKey, family: Family): void;
  /** False for a back end that is not to get new connections although the cluster calls it ready. */
  isLive(service: ServiceKey, backend: BackendAddress): boolean;
}

/** Where a back end listens. */
export interface BackendAddress {
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
}

/** Something about a Service's publication that its owner should know; becomes an Event with this reason. */
export interface PublishNotice {
  readonly service: ServiceKey;
  readonly reason: PublishReason;
  readonly message: string;
}

export type PublishReason =
  | 'Published'
  | 'VIPRefused'
  | 'VIPPortConflict'
  | 'MarkExhausted'
  | 'AffinityScopeReduced'
  | 'InvalidAnnotation'
  | 'SchedulerUnavailable'
  | 'DSRNotAllowed'
  | 'SourceRangesInvalid'
  | 'NotInThisMode'
  | 'PlacementDiffers'
  | 'AddressAssigned'
  | 'AddressRefused'
  | 'AddressesExhausted'
  | 'AddressOutsidePools';
