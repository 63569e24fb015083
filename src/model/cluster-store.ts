import type { Address } from './address.ts';
import type { Problem } from './outcome.ts';
import type { ServiceKey } from './records.ts';

/**
 * What became of a request to a store whose objects have versions. `conflict`: the object is not, or no more, of the version the
 * request named (or is there already, where it was to be made). `failed`: nothing is known; the request may have been served, or
 * may yet be.
 */
export type Stored<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** What a Lease says (coordination.k8s.io/v1). Times are milliseconds since 1970 by the clock of whoever wrote them. */
export interface LeaseTerms {
  /** Empty: nobody's. */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly acquiredAt: number;
  readonly renewedAt: number;
  /** How often the holder changed. */
  readonly transitions: number;
}

export interface StoredLease {
  readonly terms: LeaseTerms;
  readonly version: string;
}

/** One Lease of the cluster. A signal gives up waiting, not necessarily the request. */
export interface LeaseStore {
  read(signal: AbortSignal): Promise<Stored<StoredLease>>;
  create(terms: LeaseTerms, signal: AbortSignal): Promise<Stored<StoredLease>>;
  update(terms: LeaseTerms, version: string, signal: AbortSignal): Promise<Stored<StoredLease>>;
}

/** One table of texts by name: the data of a ConfigMap. */
export interface StoredTable {
  readonly rows: ReadonlyMap<string, string>;
  readonly version: string;
}

export interface TableStore {
  /** The table as it is at this moment, from no cache. */
  read(signal: AbortSignal): Promise<Stored<StoredTable>>;
  create(signal: AbortSignal): Promise<Stored<StoredTable>>;
  /** Null removes a row. Gives the new version. */
  update(changes: ReadonlyMap<string, string | null>, version: string, signal: AbortSignal): Promise<Stored<string>>;
}

/** A Service as the cluster's store holds it, from no cache. */
export interface LiveService {
  readonly uid: string;
  readonly version: string;
  readonly type: string;
  readonly loadBalancerClass: string | null;
  /** It has a deletion timestamp. */
  readonly deleting: boolean;
  /** `status.loadBalancer.ingress[].ip`. */
  readonly addresses: readonly Address[];
}

export interface ServiceStatusStore {
  read(service: ServiceKey, signal: AbortSignal): Promise<Stored<LiveService>>;
  /** Replaces the addresses of the status, if the Service is of this version. */
  write(service: ServiceKey, version: string, addresses: readonly Address[], signal: AbortSignal): Promise<Stored<LiveService>>;
}
